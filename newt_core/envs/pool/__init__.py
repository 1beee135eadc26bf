"""Many environments at once, spread over worker processes.

Example::

    with make_pool(load_specs().select("dmcontrol"), seed=1) as pool:
        obs = pool.reset()                              # [E, 128]
        for _ in range(1000):
            transitions = pool.step(policy(obs))        # actions [E, 16]
            obs = transitions.obs

With ``ray="auto"`` they are spread over the machines of a Ray cluster, with the same transitions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from newt_core import arguments
from newt_core.envs.pool.api import OUTSIDE_TASKS, EpisodeNumbers, Pool, PoolStats, observation
from newt_core.envs.pool.fleet import Fleet, NodeSettings
from newt_core.envs.pool.hosts import Hosts, OnLost
from newt_core.envs.pool.local import EnvPool
from newt_core.envs.pool.process import usual_workers
from newt_core.envs.pool.ray_cluster import connect
from newt_core.envs.pool.supervise import Crew
from newt_core.errors import ConfigError
from newt_core.settings import limits
from newt_core.specs.schema import TaskSpec

DEFAULT_TIMEOUT_S = 60.0
"""An environment whose step or reset takes longer counts as hung."""
SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S = 0.001, 1e6
"""A millisecond, as the clock that watches counts them, and eleven days."""


def make_pool(
    specs: Sequence[TaskSpec],
    workers: int | None = None,
    seed: int = 0,
    *,
    timeout: float = DEFAULT_TIMEOUT_S,
    builders: Mapping[str, str] | None = None,
    frames: int = 0,
    ray: str | None = None,
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
        ray: a Ray cluster whose machines run the environments instead of this one, each with as
            many worker processes as Ray counts CPUs there: ``HOST:PORT`` of its head, or ``auto``
            for the one that this machine belongs to. Then ``workers`` has no meaning.

    Raises:
        ConfigError: there are no environments, a number is out of range, or no cluster is there.
        EnvironmentFailure: a task cannot be built, or no machine is left.
        MissingDependencyError: Ray is needed and not installed.
        NewtError: any other that building a task raises, such as a missing package.
    """
    if not specs:
        raise ConfigError("an environment pool needs at least one task.")
    if workers is None:
        workers = usual_workers() if ray is None else 0
    if len(specs) > limits.ENVIRONMENTS:
        raise ConfigError(
            f"{len(specs):,} environments are too many: the largest pool has "
            f"{limits.ENVIRONMENTS:,}."
        )
    workers = arguments.whole_number("workers", workers, 0, limits.ENVIRONMENTS)
    timeout = arguments.real_number("timeout", timeout, SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S)
    seed = arguments.seed(seed)
    frames = arguments.whole_number("frames", frames, 0, limits.HORIZON)
    builders = dict(builders or {})
    count = min(workers, len(specs))
    cluster = None if ray is None else connect(ray)

    def find_hosts(stats: PoolStats, on_lost: OnLost) -> Hosts:
        if cluster is not None:
            return Fleet(specs, cluster, NodeSettings(frames, timeout, builders), stats, on_lost)
        return Crew(specs, count, frames, timeout, builders, stats, on_lost)

    return EnvPool(specs, seed, find_hosts)


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
