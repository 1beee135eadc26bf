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

    Uniform actions, drawn anew at every step, cancel out within a fraction of a second: a
    pendulum hardly moves. ``held`` actions are -1 or 1 in each entry and stay for 1 to
    :data:`LONGEST_HOLD` steps. Where rewards are sparse the phase may go on until one was met:
    from equal rewards nothing can be learned but that all states are alike, and a planner whose
    sequences all have one value acts no better than at random.

    Args:
        config: How long, and how.
        action_mask: [E, A] valid entries of each environment.
        generator: CPU generator of the actions.
    """

    def __init__(
        self, config: RandomPhaseConfig, action_mask: FloatArray, generator: torch.Generator
    ) -> None:
        self.config = config
        self.generator = generator
        self._mask = action_mask
        shape = (len(action_mask), ACTION_DIM)
        self._action = torch.zeros(shape)
        self._left = torch.zeros(shape, dtype=torch.int64)
        self._lowest, self._highest = np.inf, -np.inf

    def act(self) -> FloatArray:
        """Draw actions: [E, A] in [-1, 1], zero in masked entries."""
        action = self._held() if self.config.actions == "held" else self._uniform()
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
        num_envs = len(self._mask)
        if episodes < self.config.episodes * num_envs:
            return False
        return self._lowest < self._highest or episodes >= self.config.until_reward * num_envs

    def state_dict(self) -> dict[str, float]:
        """The rewards seen; holds begin anew with the episodes of a resumed run."""
        return {"lowest": self._lowest, "highest": self._highest}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Undo :meth:`state_dict`."""
        self._lowest, self._highest = state["lowest"], state["highest"]
