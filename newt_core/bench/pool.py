"""The environment pool against Gymnasium's two vector environments.

All step the same tasks with the same actions and restart episodes in the same step. The pool also
runs asynchronously: an environment gets its next action as soon as it is ready for it, so that fast
tasks make more steps than slow ones. The vector environments get :class:`PaddedEnv`, the task
padded to common sizes, because they need equal spaces.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from newt_core.bench.processes import children, taken
from newt_core.bench.timing import Told, compare, describe_hardware, speed_ratios, untold
from newt_core.envs.pool import Pool, make_pool
from newt_core.envs.task_env import TaskEnv
from newt_core.errors import ConfigError, did_you_mean
from newt_core.specs.schema import TaskSpec
from newt_core.types import ACTION_DIM, STATE_DIM, FloatArray
from newt_core.version import git_version

VARIANTS = (
    "pool",
    "pool_async",
    "gymnasium_async",
    "gymnasium_sync",
    "gymnasium_async_lean",
    "gymnasium_sync_lean",
)
"""The lean ones get infos without text and masks, which spares the vector environments work: they
collect every entry of every environment's info at every step."""

Stepper = Callable[[FloatArray], int]
"""Acts with actions [E, A] where environments wait for one; returns how many steps were made."""

ASYNC_SHARE = 4
"""The asynchronous pool waits for one in so many environments."""

_MEMORY_CODE = (
    "import sys, json, pickle; from newt_core.bench.pool import report_memory; "
    "report_memory(*pickle.load(sys.stdin.buffer))"
)


class PaddedEnv(gymnasium.Wrapper[FloatArray, FloatArray, FloatArray, FloatArray]):
    """A task with the pool's common sizes.

    Args:
        spec: the task.
        lean: cut infos down to what the pool returns.
    """

    def __init__(self, spec: TaskSpec, lean: bool = False) -> None:
        super().__init__(TaskEnv(spec))
        self._lean = lean
        self.observation_space = Box(-np.inf, np.inf, (STATE_DIM,), np.float32)
        self.action_space = Box(-1.0, 1.0, (ACTION_DIM,), np.float32)
        self._spec = spec

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin an episode."""
        obs, info = self.env.reset(seed=seed, options=options)
        return self._pad(obs), self._cut(info)

    def step(self, action: FloatArray) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """Make one agent step with ``action`` [A]."""
        obs, reward, terminated, truncated, info = self.env.step(action[: self._spec.action_dim])
        return self._pad(obs), float(reward), terminated, truncated, self._cut(info)

    def _pad(self, obs: FloatArray) -> FloatArray:
        padded = np.zeros(STATE_DIM, dtype=np.float32)
        padded[: self._spec.obs_dim] = obs
        return padded

    def _cut(self, info: dict[str, Any]) -> dict[str, Any]:
        if not self._lean:
            return info
        return {"success": float(info["success"]), "score": info["score"]}


@contextmanager
def open_variant(name: str, specs: Sequence[TaskSpec]) -> Iterator[Stepper]:
    """Build one of :data:`VARIANTS`, reset it, and give the function that steps it."""
    if name.startswith("pool"):
        with make_pool(specs) as pool:
            pool.reset()
            yield asynchronous(pool) if name == "pool_async" else lock_step(pool.step, len(specs))
        return
    kind = AsyncVectorEnv if name.startswith("gymnasium_async") else SyncVectorEnv
    builders = [partial(PaddedEnv, spec, name.endswith("_lean")) for spec in specs]
    environments = kind(builders, autoreset_mode=AutoresetMode.SAME_STEP)
    try:
        environments.reset(seed=0)
        yield lock_step(environments.step, len(specs))
    finally:
        environments.close()


def lock_step(step: Callable[[FloatArray], object], num_envs: int) -> Stepper:
    """Return a stepper that acts everywhere and waits for all."""

    def act(actions: FloatArray) -> int:
        step(actions)
        return num_envs

    return act


def asynchronous(pool: Pool) -> Stepper:
    """Return a stepper that acts wherever the pool is ready, and waits for some."""
    waiting = np.arange(pool.num_envs)
    enough = max(1, pool.num_envs // ASYNC_SHARE)

    def act(actions: FloatArray) -> int:
        nonlocal waiting
        pool.send(actions[waiting], waiting)
        waiting = pool.recv(enough).env_ids
        return len(waiting)

    return act


def bench_pool(
    specs: Sequence[TaskSpec],
    steps: int = 500,
    repeats: int = 5,
    chosen: Sequence[str] | None = None,
    told: Told = untold,
) -> dict[str, Any]:
    """Compare speed and memory of the pool and of Gymnasium's vector environments.

    Args:
        specs: one task per environment.
        steps: agent steps of all environments per timed run.
        repeats: timed runs of each variant, in turn.
        chosen: some of :data:`VARIANTS`, to which the pool is added; all by default. They stand
            at the same time, so many tasks need few variants, or much memory.
        told: hears of every timed run.

    Returns:
        The JSON form of ``newt bench``. ``steps_per_s`` counts the agent steps of all
        environments. Memory is that of a fresh process that does nothing else, and of its
        workers, in megabytes: ``memory_mb`` sums their proportional set sizes, in which a page
        that n processes share counts 1/n for each, and ``resident_mb`` their resident set
        sizes, in which it counts n times. Both are left out where the system does not tell.

    Raises:
        ConfigError: there is no such variant.
    """
    chosen = VARIANTS if chosen is None else tuple(dict.fromkeys(("pool", *chosen)))
    for name in chosen:
        if name not in VARIANTS:
            raise ConfigError(
                f"there is no variant '{name}'.{did_you_mean(name, VARIANTS)} "
                f"Choose from {', '.join(VARIANTS)}."
            )
    generator = np.random.default_rng(0)
    actions = generator.uniform(-1.0, 1.0, (steps, len(specs), ACTION_DIM)).astype(np.float32)

    def run(step: Stepper) -> int:
        done = 0
        for action in cycle(actions):
            done += step(action)
            if done >= steps * len(specs):
                break
        return done

    memory = {name: measure_memory(name, specs) for name in chosen}
    with ExitStack() as stack:
        steppers = {name: stack.enter_context(open_variant(name, specs)) for name in chosen}
        runs = {name: partial(run, step) for name, step in steppers.items()}
        variants = compare(runs, repeats, told)
    gymnasiums = [name for name in chosen if not name.startswith("pool")]
    pairs = [("pool", name) for name in gymnasiums]
    if "pool_async" in chosen:
        pairs.append(("pool_async", "pool"))
    ratios = speed_ratios(variants, pairs)
    for name in chosen:
        variants[name] |= memory[name]
    if "gymnasium_async" in chosen:
        for kind, megabytes in memory["pool"].items():
            other = memory["gymnasium_async"][kind]
            ratios[f"{kind}_pool_over_gymnasium_async"] = megabytes / other
    return {
        "what": f"pool: {len(specs)} environments, {steps} steps of each a run",
        "tasks": [spec.id for spec in specs],
        "commit": git_version(),
        "hardware": describe_hardware(),
        "variants": variants,
        "ratios": ratios,
    }


def measure_memory(name: str, specs: Sequence[TaskSpec]) -> dict[str, float]:
    """Return :func:`tree_memory` of a fresh process that steps a variant."""
    answer = subprocess.run(
        [sys.executable, "-c", _MEMORY_CODE],
        input=pickle.dumps((name, list(specs))),
        stdout=subprocess.PIPE,
        check=True,
    )
    megabytes: dict[str, float] = json.loads(answer.stdout)
    return megabytes


def report_memory(name: str, specs: Sequence[TaskSpec]) -> None:
    """Build a variant, step it a little, and print :func:`tree_memory` as JSON."""
    with open_variant(name, specs) as step:
        for _ in range(10):
            step(np.zeros((len(specs), ACTION_DIM), dtype=np.float32))
        time.sleep(0.2)
        json.dump(tree_memory(), sys.stdout)


def tree_memory() -> dict[str, float]:
    """Return ``memory_mb`` and ``resident_mb`` of this process and all below it."""
    if not Path("/proc/self/smaps_rollup").exists():
        return {}
    fields = {"Pss": "memory_mb", "Rss": "resident_mb"}
    megabytes = dict.fromkeys(fields.values(), 0.0)
    waiting = ["self"]
    while waiting:
        process = waiting.pop()
        for line, name in fields.items():
            megabytes[name] += taken(process, line, "smaps_rollup") / 2**20
        waiting += children(process)
    return megabytes
