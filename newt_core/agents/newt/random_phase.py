"""How a run begins: acting at random, before there is anything to plan with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from newt_core.agents.newt.config import RandomPhaseConfig
from newt_core.types import ACTION_DIM, BoolArray, FloatArray, IntArray, Transitions

LONGEST_HOLD = 40
"""Agent steps that a held action lasts at most."""


class RandomPhase:
    """Chooses the first actions of a run, and says when there is enough to learn from.

    Every environment has to finish its own episodes; one that has done so goes on meanwhile.
    Actions are uniform at first. Where every reward of a task was the same by then, the phase may
    go on until one differs: from equal rewards nothing can be learned but that all states are
    alike, and a planner whose sequences all have one value acts no better than at random. Uniform
    actions, drawn anew at every step, have cancelled out within a fraction of a second, so the
    later ones are held: -1 or 1 in each entry, for 1 to :data:`LONGEST_HOLD` steps.

    Args:
        config: How long.
        task_of_env: [E] index of each environment's task.
        action_mask: [E, A] valid entries of each environment.
        generator: CPU generator of the actions.
    """

    def __init__(
        self,
        config: RandomPhaseConfig,
        task_of_env: IntArray,
        action_mask: FloatArray,
        generator: torch.Generator,
    ) -> None:
        self.config = config
        self.generator = generator
        self._task = task_of_env
        self._mask = action_mask
        self._episodes = np.zeros(len(task_of_env), np.int64)
        self._steps = np.zeros(len(task_of_env), np.int64)
        tasks = int(task_of_env.max()) + 1
        self._lowest, self._highest = np.full(tasks, np.inf), np.full(tasks, -np.inf)
        shape = (len(task_of_env), ACTION_DIM)
        self._action = torch.zeros(shape)
        self._left = torch.zeros(shape, dtype=torch.int64)

    def act(self, env_ids: IntArray) -> FloatArray:
        """Draw actions for some environments: [K, A] in [-1, 1], zero in masked entries."""
        shape = (len(env_ids), ACTION_DIM)
        uniform = 2 * torch.rand(shape, generator=self.generator) - 1
        held = self._held(torch.from_numpy(env_ids))
        begun = torch.from_numpy(self._episodes[env_ids] < self.config.episodes).unsqueeze(1)
        action = torch.where(begun, uniform, held)
        return np.asarray(action.numpy(), np.float32) * self._mask[env_ids]

    def _held(self, envs: Tensor) -> Tensor:
        action, left, generator = self._action[envs], self._left[envs], self.generator
        fresh = left == 0
        sign = 2.0 * torch.randint(0, 2, left.shape, generator=generator) - 1
        duration = torch.randint(1, LONGEST_HOLD + 1, left.shape, generator=generator)
        self._action[envs] = torch.where(fresh, sign, action)
        self._left[envs] = torch.where(fresh, duration, left) - 1
        return self._action[envs]

    def see(self, transitions: Transitions) -> None:
        """Take note of one step in some environments; a lost one is no experience."""
        kept = ~transitions.lost
        env, reward = transitions.env_ids[kept], transitions.reward[kept]
        np.minimum.at(self._lowest, self._task[env], reward)
        np.maximum.at(self._highest, self._task[env], reward)
        self._episodes[env] += transitions.done[kept]
        self._steps[transitions.env_ids] += 1

    @property
    def over(self) -> bool:
        """Whether every environment has played enough, or the cap in steps is reached."""
        if self._steps.min() >= self.config.max_steps:
            return True
        return bool(np.all(self._played_enough()))

    def _played_enough(self) -> BoolArray:
        met_reward = (self._lowest < self._highest)[self._task]
        enough = met_reward | (self._episodes >= self.config.until_reward)
        played: BoolArray = (self._episodes >= self.config.episodes) & enough
        return played

    def state_dict(self) -> dict[str, Any]:
        """What was seen, and the actions that are being held."""
        return {
            "episodes": torch.from_numpy(self._episodes.copy()),
            "steps": torch.from_numpy(self._steps.copy()),
            "lowest": torch.from_numpy(self._lowest.copy()),
            "highest": torch.from_numpy(self._highest.copy()),
            "action": self._action,
            "left": self._left,
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        self._episodes = state["episodes"].numpy().copy()
        # A number for all of them is how it once was saved.
        self._steps[:] = np.asarray(state["steps"])
        self._lowest, self._highest = (state[k].numpy().copy() for k in ("lowest", "highest"))
        self._action, self._left = state["action"].clone(), state["left"].clone()
        self.generator.set_state(state["generator"].cpu())
