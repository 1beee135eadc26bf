"""A pool without processes whose numbers can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from newt_core.envs.pool import EpisodeNumbers, PoolStats
from newt_core.errors import PoolStateError
from newt_core.specs import TaskSpec
from newt_core.types import ACTION_DIM, STATE_DIM, ByteArray, FloatArray, IntArray, Transitions


def task(task_id: str, length: int, *, domain: str = "dmcontrol", action_dim: int = 2) -> TaskSpec:
    """Return a task whose score is its return, where it has no success signal."""
    return TaskSpec.model_validate(
        {
            "id": task_id,
            "domain": domain,
            "embodiment": "A counter.",
            "instruction": "Count.",
            "obs_dim": 3,
            "action_dim": action_dim,
            "episode_length": length,
            "reward": "dense",
            "score": {"kind": "return", "low": 0.0, "high": 1.0},
        }
    )


class CountingPool:
    """Every step pays the first entry of the action.

    The observation is (environment, number of the episode, steps in the episode).

    Args:
        specs: [E] the tasks.
        lose: environments and episodes that a dying worker ends after one step, once each.
    """

    def __init__(self, specs: Sequence[TaskSpec], lose: Sequence[tuple[int, int]] = ()) -> None:
        self.specs = list(specs)
        self.num_envs = len(specs)
        self.stats = PoolStats()
        self.sent: list[list[int]] = []
        """The environments of each send."""
        self.seeds: list[int | None] = []
        """The seed of each reset."""
        self._lose = set(lose)
        self._episode = np.zeros(self.num_envs, np.int64)
        self._steps = np.zeros(self.num_envs, np.int64)
        self._returns = np.zeros(self.num_envs)
        self._pending: dict[int, float] = {}

    @property
    def episode_numbers(self) -> IntArray:
        return self._numbers.first + self._numbers.stride * self._episode

    def reset(self, seed: int | None = None, episodes: EpisodeNumbers | None = None) -> FloatArray:
        self.seeds.append(seed)
        self._numbers = episodes or EpisodeNumbers.own_series(np.zeros(self.num_envs, np.int64))
        self._episode[:] = self._steps[:] = 0
        self._returns[:] = 0.0
        return self._obs(np.arange(self.num_envs))

    def send(self, actions: ArrayLike, env_ids: ArrayLike) -> None:
        ids = np.asarray(env_ids).tolist()
        assert not self._pending
        self.sent.append(ids)
        self._pending = dict(zip(ids, np.asarray(actions)[:, 0].tolist(), strict=True))

    def recv(self, min_envs: int = 1) -> Transitions:
        assert min_envs == len(self._pending)
        ids = np.array(sorted(self._pending))
        reward = np.array([self._pending[env] for env in ids])
        self._pending = {}
        self._steps[ids] += 1
        self._returns[ids] += reward
        lost = np.array([(env, self._episode[env]) in self._lose for env in ids.tolist()])
        self._lose -= {(env, self._episode[env]) for env in ids[lost].tolist()}
        lengths = np.array([self.specs[env].episode_length for env in ids])
        done = (self._steps[ids] == lengths) & ~lost
        score = self._returns[ids].astype(np.float32)
        final = self._obs(ids)
        over = ids[done | lost]
        self._episode[ids[done if self._numbers.repeat_lost else done | lost]] += 1
        self._steps[over] = 0
        self._returns[over] = 0.0
        return Transitions(
            env_ids=ids,
            obs=self._obs(ids),
            final_obs=final,
            reward=np.where(lost, 0, reward).astype(np.float32),
            done=done,
            success=np.full(len(ids), np.nan, np.float32),
            score=score,
            lost=lost,
            action=np.zeros((len(ids), ACTION_DIM), np.float32),
        )

    def step(self, actions: ArrayLike) -> Transitions:
        self.send(actions, np.arange(self.num_envs))
        return self.recv(self.num_envs)

    def frames(self) -> ByteArray:
        raise PoolStateError("a counting pool draws nothing")

    def features(self, env_ids: IntArray | None = None) -> None:
        pass

    def close(self) -> None:
        pass

    def _obs(self, ids: np.ndarray) -> FloatArray:
        obs = np.zeros((len(ids), STATE_DIM), np.float32)
        obs[:, 0], obs[:, 1], obs[:, 2] = ids, self.episode_numbers[ids], self._steps[ids]
        return obs
