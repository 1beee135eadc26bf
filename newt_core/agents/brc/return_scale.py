"""How large a task's returns are: the largest discounted one that any of its episodes had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from newt_core.types import Episode


class ReturnScale:
    """Divides rewards so that returns, entropy included, stay among the critics' values.

    Args:
        discount: [tasks] γ of each.
        target_entropy: [tasks] that the policy's is drawn to.
        largest: Largest return that the critics can tell, in size.
    """

    def __init__(self, discount: Tensor, target_entropy: Tensor, largest: float) -> None:
        self._discount = discount.tolist()
        # As published: half of what the target's entropy would earn, were it of the other sign.
        self._entropy = -0.5 * target_entropy / (1 - discount)
        self._largest = largest
        self._peak = torch.zeros_like(discount)
        """[tasks] largest discounted return of any step so far, in size."""
        self._known = torch.zeros_like(discount, dtype=torch.bool)
        """[tasks] whether there was an episode."""

    def knows_all(self) -> bool:
        """Return whether every task has had an episode."""
        return bool(self._known.all())

    def add(self, episodes: Sequence[Episode]) -> None:
        """Take note of whole episodes.

        All of them end by a time-out: what would follow counts as if every step paid the
        episode's mean reward.
        """
        for episode in episodes:
            discount = self._discount[episode.task]
            rewards = np.asarray(episode.reward, np.float64)
            ahead, peak = float(rewards.mean()) / (1 - discount), 0.0
            for reward in reversed(rewards.tolist()):
                ahead = reward + discount * ahead
                peak = max(peak, abs(ahead))
            before = float(self._peak[episode.task])
            self._peak[episode.task] = max(before, peak)
            self._known[episode.task] = True

    def of_tasks(self, temperature: Tensor) -> Tensor:
        """Return what each task's rewards are divided by, [tasks]; 1 before the first episode.

        Args:
            temperature: [] weight of the entropy.
        """
        scale = (self._peak + temperature * self._entropy) / self._largest
        return torch.where(self._known, scale, torch.ones_like(scale))

    def state_dict(self) -> dict[str, Any]:
        """Return the statistics."""
        return {"peak": self._peak, "known": self._known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        device = self._peak.device
        self._peak, self._known = state["peak"].to(device), state["known"].to(device)
