"""Environments in this process, for benchmarks that begin a thousand runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from newt_core.envs.pool import EpisodeNumbers, PoolStats
from newt_core.envs.pool.worker import episode_seed
from newt_core.envs.session import Session, open_session
from newt_core.specs import TaskSpec
from newt_core.types import STATE_DIM, FloatArray, IntArray, Transitions


class SerialPool:
    """The simulators in this process: a pool whose start takes no time."""

    def __init__(self, specs: Sequence[TaskSpec], seed: int) -> None:
        self.specs = tuple(specs)
        self.num_envs = len(specs)
        self.stats = PoolStats()
        self._seed = seed
        self._sessions: list[Session] = [open_session(spec) for spec in specs]
        self._sent: tuple[FloatArray, IntArray] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions:
            session.simulator.close()

    @property
    def episode_numbers(self) -> IntArray:
        """See :class:`newt_core.envs.pool.Pool`, as for the other methods."""
        return self._next - self._plan.stride

    def features(self, env_ids: IntArray | None = None) -> None:
        """There are none."""

    def reset(self, seed: int | None = None, episodes: EpisodeNumbers | None = None) -> FloatArray:
        """Begin a new episode everywhere."""
        self._seed = self._seed if seed is None else seed
        zeros = np.zeros(self.num_envs, np.int64)
        self._plan = episodes or EpisodeNumbers.own_series(zeros)
        self._next = self._plan.first.copy()
        return np.stack([self._begin(env) for env in range(self.num_envs)])

    def step(self, actions: ArrayLike) -> Transitions:
        """Make one agent step everywhere."""
        self.send(actions, np.arange(self.num_envs))
        return self.recv(self.num_envs)

    def send(self, actions: ArrayLike, env_ids: ArrayLike) -> None:
        """Take note of some actions."""
        ids = np.asarray(env_ids)
        masks = np.stack([self.specs[env].action_mask for env in ids]).astype(np.float32)
        self._sent = (np.clip(np.asarray(actions, np.float32), -1, 1) * masks, ids)

    def recv(self, min_envs: int = 1) -> Transitions:
        """Execute them."""
        assert self._sent is not None
        actions, ids = self._sent
        obs, final = np.zeros((2, len(ids), STATE_DIM), np.float32)
        reward, success, score = np.zeros((3, len(ids)), np.float32)
        done = np.zeros(len(ids), np.bool_)
        for row, env in enumerate(ids.tolist()):
            session = self._sessions[env]
            outcome = session.step(actions[row, : session.spec.action_dim])
            final[row] = obs[row] = self._padded(outcome.obs)
            reward[row], success[row], score[row] = outcome.reward, outcome.success, session.score
            done[row] = session.done
            if session.done:
                obs[row] = self._begin(env)
        lost = np.zeros(len(ids), np.bool_)
        return Transitions(ids, obs, final, reward, done, success, score, lost, actions)

    def _begin(self, env: int) -> FloatArray:
        seed = episode_seed(self._seed, int(self._plan.series[env]), int(self._next[env]))
        self._next[env] += self._plan.stride[env]
        return self._padded(self._sessions[env].reset(seed))

    def _padded(self, obs: FloatArray) -> FloatArray:
        return np.pad(obs, (0, STATE_DIM - len(obs)))
