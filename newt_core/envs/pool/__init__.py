"""Many environments at once, spread over worker processes.

Example::

    with make_pool(load_specs().select("dmcontrol"), seed=1) as pool:
        obs = pool.reset()                              # [E, 128]
        for _ in range(1000):
            transitions = pool.step(policy(obs))        # actions [E, 16]
            obs = transitions.obs
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from newt_core import arguments
from newt_core.envs.pool.api import OUTSIDE_TASKS, EpisodeNumbers, Pool, PoolStats, observation
from newt_core.envs.pool.local import EnvPool
from newt_core.errors import ConfigError
from newt_core.settings import limits
from newt_core.specs.schema import TaskSpec
from newt_core.threads import usable_cores

DEFAULT_TIMEOUT_S = 60.0
"""An environment whose step or reset takes longer counts as hung."""
SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S = 0.001, 1e6
"""A millisecond, as the clock that watches counts them, and eleven days."""

WORKERS_VARIABLE = "NEWT_WORKERS"
"""How many worker processes a pool has, where nothing else says it."""


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
        workers: processes to spread them over, never more than environments; 0 for this process
            itself, where a debugger reaches them and nobody notices one that hangs. By default what
            the environment variable ``NEWT_WORKERS`` says, else as many as usable cores.
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
        workers = usual_workers()
    if len(specs) > limits.ENVIRONMENTS:
        raise ConfigError(
            f"{len(specs):,} environments are too many: the largest pool has "
            f"{limits.ENVIRONMENTS:,}."
        )
    workers = arguments.whole_number("workers", workers, 0, limits.ENVIRONMENTS)
    timeout = arguments.real_number("timeout", timeout, SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S)
    seed = arguments.seed(seed)
    frames = arguments.whole_number("frames", frames, 0, limits.HORIZON)
    return EnvPool(specs, min(workers, len(specs)), seed, timeout, builders or {}, frames)


def usual_workers() -> int:
    """Return how many processes a pool has where its maker does not say; 0 for none.

    Raises:
        ConfigError: :data:`WORKERS_VARIABLE` is no such number.
    """
    said = os.environ.get(WORKERS_VARIABLE, "")
    if not said:
        return usable_cores()
    if not said.isdecimal():
        raise ConfigError(f"{WORKERS_VARIABLE} must be a whole number, 0 or more, not '{said}'.")
    return int(said)


__all__ = [
    "OUTSIDE_TASKS",
    "EnvPool",
    "EpisodeNumbers",
    "Pool",
    "PoolStats",
    "make_pool",
    "observation",
    "usual_workers",
]
