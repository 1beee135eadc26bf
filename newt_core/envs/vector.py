"""The environment pool behind Gymnasium's vector interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from newt_core import arguments
from newt_core.envs.pool import EnvPool, make_pool
from newt_core.envs.task_env import OBS_MODES, ObsMode, observation_space, task_spec
from newt_core.errors import ConfigError
from newt_core.settings import limits
from newt_core.specs.load import load_specs
from newt_core.specs.schema import TaskSpec
from newt_core.types import ACTION_DIM, FRAME_SIZE, STATE_DIM, BoolArray, ByteArray, FloatArray


class PoolVectorEnv(VectorEnv[Any, FloatArray, Any]):
    """A pool as a ``gymnasium.vector.VectorEnv`` that restarts episodes in the same step.

    States are padded to 128 numbers and actions to 16, so that tasks can be mixed. Pictures are
    [E, 224, 224, 3] uint8, or [E, F, 224, 224, 3] of the last F where several are stacked.
    ``infos`` holds, with one entry per environment: ``success`` and ``score`` as in
    :class:`newt_core.envs.task_env.TaskEnv`, ``final_obs`` (the old episode's last observation
    where one ended) and ``lost`` (the environment was rebuilt: discard its unfinished episode).
    ``reset`` gives ``instruction``, ``action_mask`` [E, A] and ``obs_mask`` [E, S].

    Args:
        pool: the environments, owned from now on; it draws where ``obs`` needs pictures.
        obs: what observations are, as in :class:`newt_core.envs.task_env.TaskEnv`.
        frame_stack: pictures F that the pool keeps.
    """

    def __init__(self, pool: EnvPool, obs: ObsMode = "state", frame_stack: int = 1) -> None:
        self.pool = pool
        self.obs = obs
        self.num_envs = pool.num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self._stacked = frame_stack > 1
        picture = (FRAME_SIZE, FRAME_SIZE, 3)
        state = Box(-np.inf, np.inf, (STATE_DIM,), np.float32)
        self.single_observation_space = observation_space(
            obs, state, (frame_stack, *picture) if self._stacked else picture
        )
        self.single_action_space = Box(-1.0, 1.0, (ACTION_DIM,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin a new episode everywhere; see ``Pool.reset``.

        Raises:
            ConfigError: the seed is no whole number, or out of range.
        """
        if options is not None:
            arguments.mapping("options", options, "a mapping, which no task looks at, or None")
        specs = self.pool.specs
        infos = {
            "instruction": tuple(spec.text for spec in specs),
            "action_mask": np.stack([spec.action_mask for spec in specs]),
            "obs_mask": np.stack([spec.obs_mask for spec in specs]),
        }
        state = self.pool.reset(seed)
        frames = None if self.obs == "state" else self.pool.frames()
        return self._observe(state, frames), infos

    def step(
        self, actions: FloatArray
    ) -> tuple[Any, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        """Make one agent step everywhere; see ``Pool.step``."""
        done = self.pool.step(actions)
        infos = {
            "success": done.success,
            "score": done.score,
            "lost": done.lost,
            "final_obs": self._observe(done.final_obs, done.final_frames),
            "_final_obs": done.done,
        }
        obs = self._observe(done.obs, done.frames)
        return obs, done.reward, np.zeros_like(done.done), done.done, infos

    def _observe(self, state: FloatArray, frames: ByteArray | None) -> Any:
        if frames is None or self.obs == "state":
            return state
        rgb = frames if self._stacked else frames[:, -1]
        return rgb if self.obs == "rgb" else {"state": state, "rgb": rgb}

    def close_extras(self, **kwargs: Any) -> None:
        """End the pool's workers."""
        self.pool.close()


def make_vec(
    tasks: str | Sequence[str | TaskSpec],
    workers: int | None = None,
    seed: int = 0,
    *,
    obs: ObsMode = "state",
    frame_stack: int = 1,
) -> PoolVectorEnv:
    """Build many environments, spread over worker processes.

    Args:
        tasks: a selector (``"dmcontrol"``, ``"walker-*"``), or one task per environment; a
            task may be repeated.
        workers: processes, see :func:`newt_core.envs.pool.make_pool`.
        seed: determines every episode.
        obs: ``state``, ``rgb`` or ``both``.
        frame_stack: the newest picture and those before it, where observations have pictures.

    Raises:
        ConfigError: an argument is of another type, there is no such observation mode, or a
            number is out of range.
        UnknownTaskError: there is no such task.
        NewtError: a task cannot be built.
    """
    library = load_specs()
    if isinstance(tasks, str):
        specs = library.select(tasks)
    elif isinstance(tasks, Sequence):
        specs = [task_spec(f"tasks[{i}]", task, library) for i, task in enumerate(tasks)]
    else:
        raise ConfigError(
            f"tasks is {arguments.shown(tasks)}; it must be a selector, or a list of tasks."
        )
    arguments.choice("obs", obs, OBS_MODES)
    frame_stack = arguments.whole_number("frame_stack", frame_stack, 1, limits.HORIZON)
    pool = make_pool(specs, workers, seed, frames=0 if obs == "state" else frame_stack)
    return PoolVectorEnv(pool, obs, frame_stack)
