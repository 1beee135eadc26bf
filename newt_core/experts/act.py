"""Scripted players of many environments at once, as evaluations and collectors call them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newt_core.experts.policy import Player
from newt_core.experts.registry import make_player
from newt_core.specs.schema import TaskSpec
from newt_core.types import ACTION_DIM, FloatArray, Observation


class ScriptedAct:
    """One scripted player in each environment, a new one for every episode.

    Args:
        specs: the tasks that the ``task`` of each call refers to.
    """

    def __init__(self, specs: Sequence[TaskSpec]) -> None:
        self._specs = specs
        self._players: dict[int, Player] = {}

    def __call__(self, observation: Observation) -> FloatArray:
        """Return the actions, [K, A], zero beyond each task's own entries.

        Raises:
            SpecError: a task has no scripted player.
            MissingDependencyError: a package that a player needs is not installed.
        """
        tasks, env_ids = observation.task.tolist(), observation.env_ids.tolist()
        actions = np.zeros((len(tasks), ACTION_DIM), dtype=np.float32)
        for row, (index, env) in enumerate(zip(tasks, env_ids, strict=True)):
            spec = self._specs[index]
            if observation.first[row]:
                self._players[env] = make_player(spec)
            actions[row, : spec.action_dim] = self._players[env](
                observation.state[row, : spec.obs_dim]
            )
        return actions
