"""Many environments at once, spread over worker processes.

Example::

    with make_pool(load_specs().select("dmcontrol"), seed=1) as pool:
        obs = pool.reset()                              # [E, 128]
        for _ in range(1000):
            transitions = pool.step(policy(obs))        # actions [E, 16]
            obs = transitions.obs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from newt_core.envs.pool.api import OUTSIDE_TASKS, EpisodeNumbers, Pool, PoolStats, observation
from newt_core.envs.pool.local import EnvPool
from newt_core.errors import ConfigError
from newt_core.specs.schema import TaskSpec
from newt_core.threads import usable_cores

DEFAULT_TIMEOUT_S = 60.0
"""An environment whose step or reset takes longer counts as hung."""


def make_pool(
    specs: Sequence[TaskSpec],
    workers: int | None = None,
    seed: int = 0,
    *,
    timeout: float = DEFAULT_TIMEOUT_S,
    builders: Mapping[str, str] | None = None,
    frames: int = 0,
) -> EnvPool:
    """Start a pool with one environment per entry of ``specs``.

    Args:
        specs: [E] the task of each environment; repeat one for several environments of a task.
        workers: processes to spread them over; as many as usable cores by default, and never more
            than environments.
        seed: determines every episode, however many workers there are; 0 or more.
        timeout: seconds that a step or a reset of one environment may take before its worker
            counts as hung.
        builders: domains beside the installed ones, name → ``module:function``.
        frames: pictures F to draw and keep of each environment, the newest and those before
            it; 0 for states alone, which needs no OpenGL and is many times faster.

    Raises:
        ConfigError: there are no environments, or a number is out of range.
        EnvironmentFailure: a task cannot be built.
        NewtError: any other that building a task raises, such as a missing package.
    """
    if not specs:
        raise ConfigError("an environment pool needs at least one task.")
    if workers is None:
        workers = usable_cores()
    if workers < 1 or timeout <= 0 or not 0 <= seed < 2**64 or frames < 0:
        raise ConfigError(
            f"a pool needs workers >= 1, timeout > 0, 0 <= seed < 2**64 and frames >= 0; "
            f"got {workers}, {timeout:g}, {seed} and {frames}."
        )
    return EnvPool(specs, min(workers, len(specs)), seed, timeout, builders or {}, frames)


__all__ = [
    "OUTSIDE_TASKS",
    "EnvPool",
    "EpisodeNumbers",
    "Pool",
    "PoolStats",
    "make_pool",
    "observation",
]
