"""Whole episodes of several tasks, through the pool, with nothing wasted.

Tasks have episodes of different lengths. An environment that has done its share is no longer
sent actions, so that the agent plans only where an episode is still owed.

A task's episodes are numbered from 0. What episode k begins with follows from the seed, the task
and k alone: it is the same however many others are run, of this task or of others.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from newt_core.envs.pool import EpisodeNumbers, Pool, make_pool, observation
from newt_core.errors import ConfigError
from newt_core.specs.schema import TaskSpec
from newt_core.types import (
    ACTION_DIM,
    Act,
    CountProgress,
    FloatArray,
    IntArray,
    Observation,
    Transitions,
)


class EvaluationStopped(Exception):
    """An evaluation was asked to stop before its episodes had ended."""


@dataclass(frozen=True)
class EpisodeResult:
    """One whole episode."""

    task: str
    """The task's id."""
    episode_return: float
    """Sum of rewards."""
    success: float
    """0 or 1 at the last step; NaN where the task has no success signal."""
    score: float
    """The task's normalised score."""
    length: int
    """Agent steps."""


def evaluate(
    act: Act,
    specs: Sequence[TaskSpec],
    episodes: int,
    *,
    pool: Pool | None = None,
    envs_per_task: int = 1,
    workers: int | None = None,
    seed: int = 0,
    task_ids: Sequence[int] | None = None,
    on_progress: CountProgress | None = None,
) -> list[EpisodeResult]:
    """Run exactly ``episodes`` episodes of every task.

    The environments that still owe episodes step together, so the result is determined by
    the seed and by ``act``, however many workers there are. Episodes lost to a dying worker are
    run again from where they began.

    Args:
        act: chooses the actions.
        specs: [n] the tasks.
        episodes: whole episodes of each task.
        pool: environments to use, which stay open; those of other tasks are left alone. By
            default a pool is started for this evaluation.
        envs_per_task: environments of each task in a pool started here.
        workers: processes of a pool started here; see :func:`newt_core.envs.pool.make_pool`.
        seed: determines the episodes.
        task_ids: [n] index of each task in the agent's task list; 0 … n - 1 by default.
        on_progress: told after every step how many agent steps of these episodes are done.

    Returns:
        The episodes, grouped by task in the order of ``specs``; within a task by their number.

    Raises:
        ConfigError: there is nothing to run, or ``pool`` lacks one of the tasks.
        EnvironmentFailure: a simulator keeps failing.
    """
    if not specs or episodes < 1 or envs_per_task < 1:
        raise ConfigError(
            f"an evaluation needs tasks, episodes >= 1 and environments >= 1; got {len(specs)} "
            f"tasks, {episodes} episodes and {envs_per_task} environments per task."
        )
    if pool is None:
        entries = [spec for spec in specs for _ in range(min(envs_per_task, episodes))]
        with make_pool(entries, workers, seed) as own:
            return evaluate(
                act,
                specs,
                episodes,
                pool=own,
                seed=seed,
                task_ids=task_ids,
                on_progress=on_progress,
            )
    plan = _plan(specs, episodes, pool)
    task_of_env = np.zeros(pool.num_envs, np.int64)
    indices = range(len(specs)) if task_ids is None else task_ids
    for index, envs in zip(indices, plan.envs_of_task, strict=True):
        task_of_env[envs] = index
    finished = _run(act, pool, plan, task_of_env, seed, on_progress)
    # Environment k of n runs the episodes k, k + n, k + 2 n, ...
    return [
        finished[envs[number % len(envs)]][number // len(envs)]
        for envs in plan.envs_of_task
        for number in range(episodes)
    ]


def random_act(specs: Sequence[TaskSpec], seed: int) -> Act:
    """Return the random baseline: every valid action entry uniform in [-1, 1].

    An episode's actions follow from the seed and its number, in whatever company it is run.

    Args:
        specs: the agent's task list, which the ``task`` of each call refers to.
        seed: determines the actions.
    """
    masks = np.stack([spec.action_mask for spec in specs])
    generators: dict[int, np.random.Generator] = {}

    def act(observation: Observation) -> FloatArray:
        assert observation.episode is not None
        uniform = np.zeros((len(observation.task), ACTION_DIM), np.float32)
        for row, env in enumerate(observation.env_ids.tolist()):
            if observation.first[row]:
                number = int(observation.episode[row])
                series = np.random.SeedSequence(seed, spawn_key=(number,))
                generators[env] = np.random.default_rng(series)
            uniform[row] = generators[env].uniform(-1.0, 1.0, ACTION_DIM)
        return uniform * masks[observation.task]

    return act


def stoppable(act: Act, should_stop: Callable[[], bool]) -> Act:
    """Return ``act``, asking before every step whether to go on.

    The function returned raises :class:`EvaluationStopped` instead of acting. Planning in many
    environments takes minutes on a CPU: whoever presses Ctrl-C should not wait for all of it.
    """

    def stopping(observation: Observation) -> FloatArray:
        if should_stop():
            raise EvaluationStopped
        return act(observation)

    return stopping


@dataclass(frozen=True)
class _Plan:
    """Who runs what."""

    owed: IntArray
    """[E] whole episodes that each environment has to run."""
    envs_of_task: list[list[int]]
    """For each task, its environments."""
    numbers: EpisodeNumbers
    """Which episodes they are."""


def _plan(specs: Sequence[TaskSpec], episodes: int, pool: Pool) -> _Plan:
    """Share each task's episodes out evenly among its environments."""
    owed, position_of = (np.zeros(pool.num_envs, np.int64) for _ in range(2))
    stride = np.ones(pool.num_envs, np.int64)
    envs_of_task = []
    for spec in specs:
        envs = [env for env, other in enumerate(pool.specs) if other.id == spec.id]
        if not envs:
            raise ConfigError(f"the environment pool has no environment of the task '{spec.id}'.")
        # Fixed shares: giving the next episode to whoever is ready would depend on timing.
        for position, env in enumerate(envs):
            owed[env] = episodes // len(envs) + (position < episodes % len(envs))
            position_of[env], stride[env] = position, len(envs)
        envs_of_task.append(envs)
    numbers = EpisodeNumbers(series_of(pool.specs), position_of, stride, repeat_lost=True)
    return _Plan(owed, envs_of_task, numbers)


def series_of(specs: Sequence[TaskSpec]) -> IntArray:
    """Return the series [E] that the episodes of each environment belong to: its task's."""
    return np.array([zlib.crc32(spec.id.encode()) for spec in specs], np.int64)


def _run(
    act: Act,
    pool: Pool,
    plan: _Plan,
    task_of_env: IntArray,
    seed: int,
    on_progress: CountProgress | None,
) -> list[list[EpisodeResult]]:
    """Run the owed episodes; return each environment's, in order."""
    finished: list[list[EpisodeResult]] = [[] for _ in range(pool.num_envs)]
    remaining = plan.owed.copy()
    episode_lengths = np.array([spec.episode_length for spec in pool.specs])
    total = int(plan.owed @ episode_lengths)
    obs = pool.reset(seed, plan.numbers)
    first = np.ones(pool.num_envs, np.bool_)
    # Rewards are added in float64: a thousand of them would lose digits in float32.
    returns = np.zeros(pool.num_envs, np.float64)
    lengths = np.zeros(pool.num_envs, np.int64)

    while remaining.any():
        env_ids = np.flatnonzero(remaining)
        pool.send(act(observation(pool, env_ids, obs, task_of_env, first)), env_ids)
        # Waiting for all keeps the rows of the next call the same in every repetition.
        reply = pool.recv(min_envs=len(env_ids))

        returns[env_ids] += reply.reward
        lengths[env_ids] += 1
        for row in np.flatnonzero(reply.done & ~reply.lost):
            env = int(env_ids[row])
            finished[env].append(
                _result(pool.specs[env].id, reply, row, returns[env], lengths[env])
            )
            remaining[env] -= 1
        obs[env_ids] = reply.obs
        first[env_ids] = reply.done | reply.lost
        returns[first] = 0.0
        lengths[first] = 0
        if on_progress is not None:
            on_progress(total - int(remaining @ episode_lengths) + int(lengths.sum()), total)
    return finished


def _result(
    task: str, reply: Transitions, row: int, episode_return: float, length: int
) -> EpisodeResult:
    return EpisodeResult(
        task=task,
        episode_return=float(episode_return),
        success=float(reply.success[row]),
        score=float(reply.score[row]),
        length=int(length),
    )
