"""A replay: a ring of transitions for each environment, and n-step returns out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from newt_core.types import ACTION_DIM, STATE_DIM

FIELDS = ("state", "action", "reward", "next_state", "end")
ROW_BYTES = 4 * (2 * STATE_DIM + ACTION_DIM + 1) + 1
"""Of one transition."""


@dataclass(frozen=True)
class Transitions:
    """B transitions of up to n steps each."""

    state: Tensor
    """[B, S]."""
    action: Tensor
    """[B, A]."""
    reward: Tensor
    """[B] discounted and summed."""
    next_state: Tensor
    """[B, S] after the last of the steps."""
    discount: Tensor
    """[B] the task's, to the power of the steps."""
    task: Tensor
    """[B]."""


class Ring:
    """The newest transitions of E environments, as many of each.

    Args:
        task: [E] each environment's task.
        size: Transitions of each.
        device: Where they lie.
        saved: Whether a checkpoint keeps them; else a run that goes on begins with none.
    """

    def __init__(
        self, task: Tensor, size: int, device: torch.device, *, saved: bool = True
    ) -> None:
        self.size = size
        self._saved = saved
        self.task = task.to(device)
        self._envs = torch.arange(len(task), device=device)
        shape = (len(task), size)
        self._fields = {
            "state": _zeros((*shape, STATE_DIM), device),
            "action": _zeros((*shape, ACTION_DIM), device),
            "reward": _zeros(shape, device),
            "next_state": _zeros((*shape, STATE_DIM), device),
            "end": _zeros(shape, device, torch.bool),
        }
        self._added = torch.zeros(len(task), dtype=torch.int64, device=device)
        """[E] transitions so far, those overwritten included."""

    @property
    def filled(self) -> Tensor:
        """[E] transitions of each environment by now."""
        return self._added.clamp(max=self.size)

    def add(self, rows: dict[str, Tensor], real: Tensor) -> None:
        """Store one step of every environment.

        Args:
            rows: ``FIELDS``, [E, …] each.
            real: [E] whether the step was made. Where it was not, the environment died, and the
                episode has ended with the step before.
        """
        newest = (self._added - 1) % self.size
        ended = ~real & (self._added > 0)
        self._fields["end"][self._envs[ended], newest[ended]] = True
        slot = self._added % self.size
        for name, field in self._fields.items():
            field[self._envs[real], slot[real]] = rows[name][real]
        self._added = self._added + real.long()

    def can_sample(self, n_step: int) -> bool:
        """Return whether every environment has a whole window of n steps."""
        return bool((self.filled >= min(n_step, self.size)).all())

    def sample(
        self, per_env: int, n_step: int, discount: Tensor, generator: torch.Generator
    ) -> Transitions:
        """Draw transitions of up to n steps, as many of each environment.

        A window ends with its episode. As long as a ring is not full, windows are whole; in a full
        one the newest transition counts as an episode's end.

        Args:
            per_env: Transitions of each environment.
            n_step: n.
            discount: [E] γ of each environment's task.
            generator: A CPU generator.
        """
        envs, filled = self._envs[:, None], self.filled
        full = self._added >= self.size
        starts = torch.where(full, filled, filled - n_step + 1)
        drawn = torch.rand(len(filled), per_env, generator=generator, dtype=torch.float64)
        age = (drawn.to(filled.device) * starts[:, None]).long()  # 0: the oldest
        oldest = (self._added - filled)[:, None]
        goes_on = torch.ones_like(age, dtype=torch.bool)
        reward, factor = (make(age.shape, device=age.device) for make in (torch.zeros, torch.ones))
        gain, last = torch.ones_like(discount)[:, None], age
        for step in range(n_step):
            at = (age + step).clamp(max=(filled - 1)[:, None])
            slot = (oldest + at) % self.size
            reward = reward + goes_on * gain * self._fields["reward"][envs, slot]
            last = torch.where(goes_on, at, last)
            gain = gain * discount[:, None]
            factor = torch.where(goes_on, gain, factor)
            ends = self._fields["end"][envs, slot] | (age + step >= (filled - 1)[:, None])
            goes_on = goes_on & ~ends
        first, final = (oldest + age) % self.size, (oldest + last) % self.size
        return Transitions(
            state=self._fields["state"][envs, first].flatten(0, 1),
            action=self._fields["action"][envs, first].flatten(0, 1),
            reward=reward.flatten(),
            next_state=self._fields["next_state"][envs, final].flatten(0, 1),
            discount=factor.flatten(),
            task=self.task[:, None].expand_as(age).flatten(),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the transitions: of rings that are not full, what is filled of them."""
        if not self._saved:
            return {}
        most = int(self.filled.max())
        parts = {name: field[:, :most] for name, field in self._fields.items()}
        return {**parts, "added": self._added}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        if not state or not self._saved:
            return
        for name, field in self._fields.items():
            field[:, : state[name].shape[1]] = state[name].to(field.device)
        self._added = state["added"].to(self._added.device)


def _zeros(
    shape: tuple[int, ...], device: torch.device, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return zeros; on a CPU, in memory that is taken only as it is written to."""
    if device.type != "cpu":
        return torch.zeros(shape, dtype=dtype, device=device)
    return torch.from_numpy(np.zeros(shape, bool if dtype == torch.bool else np.float32))
