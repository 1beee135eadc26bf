"""Scripted players of many environments at once, as evaluations and collectors call them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newt_core.experts.policy import Player
from newt_core.experts.registry import make_player
from newt_core.specs.schema import TaskSpec
from newt_core.types import ACTION_DIM, BoolArray, FloatArray, IntArray


class ScriptedAct:
    """One scripted player in each environment, a new one for every episode.

    Args:
        specs: the tasks that the ``task`` of each call refers to.
    """

    def __init__(self, specs: Sequence[TaskSpec]) -> None:
        self._specs = specs
        self._players: dict[int, Player] = {}

    def __call__(
        self, obs: FloatArray, task: IntArray, env_ids: IntArray, first: BoolArray
    ) -> FloatArray:
        """Return the actions, [K, A], zero beyond each task's own entries.

        Args:
            obs: [K, S] observations to act on.
            task: [K] index of each row's task in ``specs``.
            env_ids: [K] each row's environment.
            first: [K] whether ``obs`` begins an episode.

        Raises:
            SpecError: a task has no scripted player.
            MissingDependencyError: a package that a player needs is not installed.
        """
        actions = np.zeros((len(task), ACTION_DIM), dtype=np.float32)
        for row, (index, env) in enumerate(zip(task.tolist(), env_ids.tolist(), strict=True)):
            spec = self._specs[index]
            if first[row]:
                self._players[env] = make_player(spec)
            actions[row, : spec.action_dim] = self._players[env](obs[row, : spec.obs_dim])
        return actions
