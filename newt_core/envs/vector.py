"""The environment pool behind Gymnasium's vector interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from newt_core.envs.pool import EnvPool, make_pool
from newt_core.specs.load import load_specs
from newt_core.specs.schema import TaskSpec
from newt_core.types import ACTION_DIM, STATE_DIM, BoolArray, FloatArray


class PoolVectorEnv(VectorEnv[FloatArray, FloatArray, Any]):
    """A pool as a ``gymnasium.vector.VectorEnv`` that restarts episodes in the same step.

    Observations are padded to 128 numbers and actions to 16, so that tasks can be mixed.
    ``infos`` holds, with one entry per environment: ``success`` and ``score`` as in
    :class:`newt_core.envs.task_env.TaskEnv`, ``final_obs`` (the old episode's last observation
    where one ended) and ``lost`` (the environment was rebuilt: discard its unfinished episode).
    ``reset`` gives ``instruction``, ``action_mask`` [E, A] and ``obs_mask`` [E, S].

    Args:
        pool: the environments, owned from now on.
    """

    def __init__(self, pool: EnvPool) -> None:
        self.pool = pool
        self.num_envs = pool.num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = Box(-np.inf, np.inf, (STATE_DIM,), np.float32)
        self.single_action_space = Box(-1.0, 1.0, (ACTION_DIM,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin a new episode everywhere; see ``Pool.reset``."""
        specs = self.pool.specs
        infos = {
            "instruction": tuple(spec.text for spec in specs),
            "action_mask": np.stack([spec.action_mask for spec in specs]),
            "obs_mask": np.stack([spec.obs_mask for spec in specs]),
        }
        return self.pool.reset(seed), infos

    def step(
        self, actions: FloatArray
    ) -> tuple[FloatArray, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        """Make one agent step everywhere; see ``Pool.step``."""
        done = self.pool.step(actions)
        infos = {
            "success": done.success,
            "score": done.score,
            "lost": done.lost,
            "final_obs": done.final_obs,
            "_final_obs": done.done,
        }
        return done.obs, done.reward, np.zeros_like(done.done), done.done, infos

    def close_extras(self, **kwargs: Any) -> None:
        """End the pool's workers."""
        self.pool.close()


def make_vec(
    tasks: str | Sequence[str | TaskSpec], workers: int | None = None, seed: int = 0
) -> PoolVectorEnv:
    """Build many environments, spread over worker processes.

    Args:
        tasks: a selector (``"dmcontrol"``, ``"walker-*"``), or one task per environment; a
            task may be repeated.
        workers: processes; as many as cores by default.
        seed: determines every episode.

    Raises:
        UnknownTaskError: there is no such task.
        NewtError: a task cannot be built.
    """
    library = load_specs()
    if isinstance(tasks, str):
        specs = library.select(tasks)
    else:
        specs = [library[task] if isinstance(task, str) else task for task in tasks]
    return PoolVectorEnv(make_pool(specs, workers, seed))
