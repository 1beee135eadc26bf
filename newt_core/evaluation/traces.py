"""Episodes step by step: what was seen, done and received, and how it looked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from newt_core.envs.pool import EpisodeNumbers, Pool, observation
from newt_core.evaluation.rollout import series_of
from newt_core.types import Act, ByteArray, FloatArray, HalfArray, IntArray, Observation


@dataclass(frozen=True)
class Trace:
    """The first T steps of an episode."""

    seen: Observation
    """[T + 1] the states, one row each."""
    action: FloatArray
    """[T, A] as executed; row t led from state t to the next."""
    reward: FloatArray
    """[T]."""


def states(
    state: FloatArray, task: int, features: HalfArray | None = None, episode: int = 0
) -> Observation:
    """Return the states of one episode, [T + 1, S] with features [T + 1, F, D], as rows."""
    count = len(state)
    return Observation(
        state,
        np.full(count, task),
        np.arange(count),
        np.arange(count) == 0,
        features,
        np.full(count, episode),
    )


def record(
    act: Act,
    pool: Pool,
    episodes: int,
    steps: int,
    *,
    task: int,
    seed: int,
    on_steps: Callable[[int], None] = lambda count: None,
) -> list[Trace]:
    """Run the first steps of a task's episodes, those that an evaluation would run.

    Args:
        act: chooses the actions.
        pool: environments of one task, which stay open.
        episodes: how many, numbered from 0.
        steps: T of each, at most an episode's length.
        task: the task's index in the agent's list.
        seed: determines the episodes.
        on_steps: told how many steps were taken, after each of all environments.

    Raises:
        EnvironmentFailure: a simulator keeps failing.
    """
    found: list[Trace] = []
    while len(found) < episodes:
        ids = np.arange(min(pool.num_envs, episodes - len(found)))
        recorder = _Recorder(pool, ids, len(found), task)
        # An episode that dies with its worker is run again, with those beside it.
        while not recorder.run(act, steps, seed, on_steps):
            pass
        found += recorder.traces()
    return found


class _Recorder:
    """Runs episodes side by side, one in each of some environments."""

    def __init__(self, pool: Pool, ids: IntArray, number: int, task: int) -> None:
        self._pool, self._ids, self._first_number = pool, ids, number
        self._task = np.full(pool.num_envs, task)
        self._state: list[FloatArray] = []
        self._features: list[HalfArray] = []
        self._action: list[FloatArray] = []
        self._reward: list[FloatArray] = []

    def run(self, act: Act, steps: int, seed: int, on_steps: Callable[[int], None]) -> bool:
        """Return whether all went well; else what was recorded is void."""
        pool, ids = self._pool, self._ids
        everywhere = np.arange(pool.num_envs)
        numbers = EpisodeNumbers(
            series_of(pool.specs),
            self._first_number + everywhere,
            np.ones(pool.num_envs, np.int64),
            repeat_lost=True,
        )
        for part in (self._state, self._features, self._action, self._reward):
            part.clear()
        obs = pool.reset(seed, numbers)
        self._look(obs[ids], pool.features(ids))
        for step in range(steps):
            first = np.full(pool.num_envs, step == 0)
            pool.send(act(observation(pool, ids, obs, self._task, first)), ids)
            reply = pool.recv(min_envs=len(ids))
            if reply.lost.any():
                return False
            self._look(reply.final_obs, reply.final_features)
            self._action.append(reply.action)
            self._reward.append(reply.reward)
            obs[ids] = reply.obs
            on_steps(len(ids))
        return True

    def traces(self) -> list[Trace]:
        """Return an episode of each environment."""
        state, action, reward = (
            np.stack(part) for part in (self._state, self._action, self._reward)
        )
        features = np.stack(self._features) if self._features else None
        return [
            Trace(
                states(
                    state[:, row],
                    int(self._task[0]),
                    None if features is None else features[:, row],
                    self._first_number + row,
                ),
                action[:, row],
                reward[:, row],
            )
            for row in range(len(self._ids))
        ]

    def _look(self, state: FloatArray, features: HalfArray | None) -> None:
        self._state.append(state.copy())
        if features is not None:
            self._features.append(features)


def replay(
    pool: Pool, traces: Sequence[Trace], times: Sequence[int], *, seed: int
) -> list[ByteArray]:
    """Execute recorded actions again, and look.

    Args:
        pool: one environment of the task for each trace; it draws pictures.
        traces: each at least as long as the last of the times.
        times: ascending, in steps; 0 is the start.
        seed: the one of the recording.

    Returns:
        For each time, a picture of each trace, [traces, 224, 224, 3].
    """
    numbers = [int(trace.seen.episode[0]) for trace in traces if trace.seen.episode is not None]
    first, ones = np.array(numbers), np.ones(len(traces), np.int64)
    pool.reset(seed, EpisodeNumbers(series_of(pool.specs), first, ones, repeat_lost=True))
    shown = [pool.frames()[:, -1].copy()] if 0 in times else []
    for step in range(max(times)):
        reply = pool.step(np.stack([trace.action[step] for trace in traces]))
        if reply.lost.any():
            return replay(pool, traces, times, seed=seed)
        if step + 1 in times and reply.final_frames is not None:
            shown.append(reply.final_frames[:, -1].copy())
    return shown
