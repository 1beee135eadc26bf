"""Transitions in any order become whole episodes, each with the right rows."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.errors import ConfigError, PoolStateError
from newt_core.replay import EpisodeRecorder
from newt_core.types import ACTION_DIM, STATE_DIM, Episode, Transitions

LENGTHS = [3, 5, 2, 4]
TASKS = [7, 8, 9, 8]


def observation(env: int, episode: int, step: int) -> np.ndarray:
    obs = np.zeros(STATE_DIM, np.float32)
    obs[:3] = env, episode, step
    return obs


class FakePool:
    """Counts steps: every observation says which environment, episode and step it is."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths
        self.episode = [0] * len(lengths)
        self.step_of = [0] * len(lengths)

    def reset(self) -> np.ndarray:
        return np.stack([observation(env, 0, 0) for env in range(len(self.lengths))])

    def step(self, ids: list[int], lost: tuple[int, ...] = ()) -> Transitions:
        """Return what a step of ``ids`` led to."""
        actions = np.zeros((len(ids), ACTION_DIM), np.float32)
        rows = []
        for k, env in enumerate(ids):
            actions[k, :3] = env, self.episode[env], self.step_of[env]
            self.step_of[env] += 1
            final = observation(env, self.episode[env], self.step_of[env])
            reward = 100.0 * self.episode[env] + self.step_of[env]
            done = self.step_of[env] == self.lengths[env] and env not in lost
            if done or env in lost:
                self.episode[env] += 1
                self.step_of[env] = 0
            obs = observation(env, self.episode[env], self.step_of[env])
            rows.append((obs, obs if env in lost else final, reward, done, env in lost))
        obs, final, rewards, dones, were_lost = (np.array(part) for part in zip(*rows, strict=True))
        nothing = np.full(len(ids), np.nan, np.float32)
        return Transitions(
            env_ids=np.array(ids),
            obs=obs,
            final_obs=final,
            reward=rewards.astype(np.float32),
            done=dones,
            success=nothing,
            score=nothing,
            lost=were_lost,
            action=actions,
        )


def check_episode(episode: Episode, env: int, number: int) -> None:
    length = LENGTHS[env]
    assert episode.task == TASKS[env]
    expected = np.stack([observation(env, number, step) for step in range(length + 1)])
    assert np.array_equal(episode.obs, expected)
    assert np.array_equal(episode.action[:, :3], expected[:-1, :3])
    assert np.array_equal(episode.reward, 100.0 * number + np.arange(1, length + 1))


def begin() -> tuple[FakePool, EpisodeRecorder]:
    pool, recorder = FakePool(LENGTHS), EpisodeRecorder(TASKS, LENGTHS)
    recorder.begin(pool.reset())
    return pool, recorder


def owner(episode: Episode) -> tuple[int, int]:
    """Return the environment and the number of an episode of the fake pool."""
    return int(episode.obs[0, 0]), int(episode.obs[0, 1])


def test_episodes_of_different_lengths_in_lock_step() -> None:
    pool, recorder = begin()
    seen = []
    for _ in range(12):
        for episode in recorder.add(pool.step([0, 1, 2, 3])):
            check_episode(episode, *owner(episode))
            seen.append(owner(episode))
    expected = {(env, number) for env, T in enumerate(LENGTHS) for number in range(12 // T)}
    assert set(seen) == expected
    assert len(seen) == len(expected)


def test_partial_replies_in_any_order() -> None:
    pool, recorder = begin()
    random = np.random.default_rng(0)
    seen, steps = [], np.zeros(4, int)
    for _ in range(200):
        ids = np.flatnonzero(random.random(4) < 0.5).tolist() or [int(random.integers(4))]
        steps[ids] += 1
        for episode in recorder.add(pool.step(ids)):
            check_episode(episode, *owner(episode))
            seen.append(owner(episode))
    expected = {(env, n) for env, T in enumerate(LENGTHS) for n in range(steps[env] // T)}
    assert set(seen) == expected
    assert len(seen) == len(expected)


def test_a_lost_episode_is_dropped_and_the_next_one_is_whole() -> None:
    pool, recorder = begin()
    assert recorder.add(pool.step([0, 1])) == []
    assert recorder.add(pool.step([0, 1])) == []
    assert recorder.add(pool.step([0, 1], lost=(0,))) == []
    finished = [episode for _ in range(3) for episode in recorder.add(pool.step([0, 1]))]
    assert {owner(episode) for episode in finished} == {(0, 1), (1, 0)}
    for episode in finished:
        check_episode(episode, *owner(episode))


def test_begin_discards_unfinished_episodes() -> None:
    pool, recorder = begin()
    recorder.add(pool.step([2]))
    pool = FakePool(LENGTHS)
    recorder.begin(pool.reset())
    assert recorder.add(pool.step([2])) == []
    (episode,) = recorder.add(pool.step([2]))
    check_episode(episode, 2, 0)


def test_episodes_do_not_share_memory_with_later_ones() -> None:
    pool, recorder = begin()
    recorder.add(pool.step([2]))
    (episode,) = recorder.add(pool.step([2]))
    for _ in range(4):
        recorder.add(pool.step([2]))
    check_episode(episode, 2, 0)


def test_an_episode_of_the_wrong_length_is_named() -> None:
    recorder = EpisodeRecorder(TASKS, LENGTHS)
    early = FakePool([3, 4, 2, 4])
    recorder.begin(early.reset())
    for _ in range(3):
        recorder.add(early.step([1]))
    with pytest.raises(PoolStateError, match=r"environment 1: its episode ended after 4 .* have 5"):
        recorder.add(early.step([1]))
    late = FakePool([3, 6, 2, 4])
    recorder.begin(late.reset())
    for _ in range(4):
        recorder.add(late.step([1]))
    with pytest.raises(PoolStateError, match="did not end after 5 steps"):
        recorder.add(late.step([1]))


def test_wrong_calls_are_named() -> None:
    pool = FakePool(LENGTHS)
    recorder = EpisodeRecorder(TASKS, LENGTHS)
    with pytest.raises(PoolStateError, match=r"before begin\(\)"):
        recorder.add(pool.step([0]))
    recorder.begin(pool.reset())
    with pytest.raises(ConfigError, match="2 tasks for 1 episode lengths"):
        EpisodeRecorder([0, 1], [5])
    with pytest.raises(ConfigError, match="below 1 step"):
        EpisodeRecorder([0, 1], [5, 0])
