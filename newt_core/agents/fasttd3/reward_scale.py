"""How large a task's rewards are: the running scale of its discounted returns."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_TINY = 1e-8
"""Added to the returns' standard deviation."""


class RewardScale:
    """Divides rewards so that returns vary by about 1 and stay among the critics' values.

    Args:
        task: [E] each environment's task.
        discount: [tasks] γ of each.
        largest: Largest return that the critics can tell, in size.
    """

    def __init__(self, task: Tensor, discount: Tensor, largest: float) -> None:
        self._task, self._discount = task, discount[task]
        self._largest = largest
        zeros = torch.zeros(len(discount), device=task.device)
        self._returns = torch.zeros(len(task), device=task.device)
        """[E] discounted return of each open episode so far."""
        self._count, self._mean, self._squares, self._peak = (zeros.clone() for _ in range(4))

    def add(self, reward: Tensor, end: Tensor, real: Tensor) -> None:
        """Take note of one step of every environment: [E] each; see ``Ring.add``."""
        kept = real.to(reward.dtype)
        self._returns = self._discount * self._returns + reward * kept
        # Returns of all environments of a task at once, as a sum of squares around the mean.
        count = torch.zeros_like(self._count).index_add_(0, self._task, kept)
        total = self._count + count
        sums = torch.zeros_like(self._count).index_add_(0, self._task, kept * self._returns)
        mean = self._mean + (sums - count * self._mean) / total.clamp(min=1)
        before, after = self._mean[self._task], mean[self._task]
        spread = kept * (self._returns - before) * (self._returns - after)
        self._squares = self._squares.index_add(0, self._task, spread)
        self._count, self._mean = total, mean
        size = (self._returns * kept).abs()
        self._peak = self._peak.scatter_reduce(0, self._task, size, "amax")
        self._returns = self._returns * (real & ~end).to(reward.dtype)

    def of_tasks(self) -> Tensor:
        """Return what each task's rewards are divided by, [tasks]; 1 before the first."""
        std = (self._squares / self._count.clamp(min=1)).sqrt()
        scale = torch.maximum(std + _TINY, self._peak / self._largest)
        return torch.where(self._peak > 0, scale, torch.ones_like(scale))

    def state_dict(self) -> dict[str, Any]:
        """Return the open episodes' returns, and the statistics."""
        names = ("returns", "count", "mean", "squares", "peak")
        return {name: getattr(self, f"_{name}") for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        for name, value in state.items():
            setattr(self, f"_{name}", value.to(self._returns.device))
