"""How a run begins: acting at random, before there is anything to plan with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from newt_core.training.config import RandomPhaseConfig
from newt_core.types import ACTION_DIM, FloatArray

LONGEST_HOLD = 40
"""Agent steps that a held action lasts at most."""


class RandomPhase:
    """Chooses the first actions of a run, and says when there is enough to learn from.

    Actions are uniform at first. Where every reward was the same by then, the phase may go on
    until one differs: from equal rewards nothing can be learned but that all states are alike,
    and a planner whose sequences all have one value acts no better than at random. Uniform
    actions, drawn anew at every step, have cancelled out within a fraction of a second, so the
    later ones are held: -1 or 1 in each entry, for 1 to :data:`LONGEST_HOLD` steps.

    Args:
        config: How long.
        action_mask: [E, A] valid entries of each environment.
        generator: CPU generator of the actions.
    """

    def __init__(
        self, config: RandomPhaseConfig, action_mask: FloatArray, generator: torch.Generator
    ) -> None:
        self.generator = generator
        self._mask = action_mask
        self._uniform_episodes = config.episodes * len(action_mask)
        self._most_episodes = config.until_reward * len(action_mask)
        shape = (len(action_mask), ACTION_DIM)
        self._action = torch.zeros(shape)
        self._left = torch.zeros(shape, dtype=torch.int64)
        self._lowest, self._highest = np.inf, -np.inf

    def act(self, episodes: int) -> FloatArray:
        """Draw actions: [E, A] in [-1, 1], zero in masked entries.

        Args:
            episodes: Whole episodes so far, of all environments together.
        """
        action = self._uniform() if episodes < self._uniform_episodes else self._held()
        return np.asarray(action.numpy(), np.float32) * self._mask

    def _uniform(self) -> Tensor:
        return 2 * torch.rand(self._action.shape, generator=self.generator) - 1

    def _held(self) -> Tensor:
        shape, generator = self._action.shape, self.generator
        fresh = self._left == 0
        sign = 2.0 * torch.randint(0, 2, shape, generator=generator) - 1
        duration = torch.randint(1, LONGEST_HOLD + 1, shape, generator=generator)
        self._action = torch.where(fresh, sign, self._action)
        self._left = torch.where(fresh, duration, self._left) - 1
        return self._action

    def see(self, reward: FloatArray) -> None:
        """Take note of rewards."""
        self._lowest = min(self._lowest, float(reward.min()))
        self._highest = max(self._highest, float(reward.max()))

    def over(self, episodes: int) -> bool:
        """Whether this many whole episodes, of all environments together, are enough."""
        if episodes < self._uniform_episodes:
            return False
        return self._lowest < self._highest or episodes >= self._most_episodes

    def state_dict(self) -> dict[str, float]:
        """The rewards seen; holds begin anew with the episodes of a resumed run."""
        return {"lowest": self._lowest, "highest": self._highest}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Undo :meth:`state_dict`."""
        self._lowest, self._highest = state["lowest"], state["highest"]
