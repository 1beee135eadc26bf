"""Which episodes a pool runs: series, numbers, and what happens to those that are lost."""

from __future__ import annotations

import os
import signal

import numpy as np

from newt_core.envs.pool import EnvPool, EpisodeNumbers, make_pool
from newt_core.types import FloatArray
from tests.pool.toy_domain import BUILDERS, toy_spec, worker_pids

LENGTH = 3


def numbers(
    series: list[int], first: list[int], stride: list[int], *, repeat_lost: bool = False
) -> EpisodeNumbers:
    return EpisodeNumbers(
        np.array(series), np.array(first), np.array(stride), repeat_lost=repeat_lost
    )


def episodes(pool: EnvPool, plan: EpisodeNumbers | None, count: int) -> list[list[tuple]]:
    """Run episodes; return each environment's (number, what it began with)."""
    found: list[list[tuple]] = [[] for _ in range(pool.num_envs)]

    def note(obs: FloatArray) -> None:
        for env, row in enumerate(obs):
            found[env].append((int(pool.episode_numbers[env]), float(row[0])))

    note(pool.reset(seed=3, episodes=plan))
    for _ in range(count - 1):
        for _ in range(LENGTH):
            obs = pool.step(np.zeros((pool.num_envs, 16))).obs
        note(obs)
    return found


def open_pool(envs: int, **kwargs) -> EnvPool:
    return make_pool([toy_spec(length=LENGTH)] * envs, seed=1, builders=BUILDERS, **kwargs)


def test_an_environment_goes_on_with_any_episode_of_its_series():
    with open_pool(2) as pool:
        all_of_them = episodes(pool, None, 4)
        later = episodes(pool, EpisodeNumbers.own_series(np.array([2, 1])), 2)
    assert [number for number, _ in all_of_them[0]] == [0, 1, 2, 3]
    assert later == [all_of_them[0][2:4], all_of_them[1][1:3]]


def test_environments_of_a_series_share_its_episodes():
    with open_pool(1) as pool:
        [alone] = episodes(pool, numbers([9], [0], [1]), 4)
    with open_pool(3) as pool:
        shared = episodes(pool, numbers([9, 4, 9], [0, 0, 1], [2, 1, 2]), 2)
    assert shared[0] == [alone[0], alone[2]]
    assert shared[2] == [alone[1], alone[3]]
    assert shared[1][0] != alone[0]


def lose(pool: EnvPool) -> tuple[list[int], FloatArray]:
    """Kill the only worker in an episode's middle; return the numbers, and what begins then."""
    pool.step(np.zeros((pool.num_envs, 16)))
    os.kill(worker_pids(pool)[0], signal.SIGKILL)
    reply = pool.step(np.zeros((pool.num_envs, 16)))
    assert reply.lost.all()
    return pool.episode_numbers.tolist(), reply.obs


def test_a_lost_episode_is_repeated_where_that_was_asked_for():
    with open_pool(2, workers=1) as pool:
        first = pool.reset(seed=3, episodes=numbers([0, 0], [0, 1], [2, 2], repeat_lost=True))
        counted, again = lose(pool)
        assert counted == [0, 1]
        np.testing.assert_array_equal(again, first)
        for _ in range(LENGTH):
            pool.step(np.zeros((2, 16)))
        assert pool.episode_numbers.tolist() == [2, 3]


def test_otherwise_the_next_one_begins():
    with open_pool(2, workers=1) as pool:
        first = pool.reset(seed=3)
        counted, later = lose(pool)
        assert counted == [1, 1]
        assert (later[:, 0] != first[:, 0]).all()
