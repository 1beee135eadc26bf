"""Stepping some environments while others wait, and calls in the wrong order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from newt_core.envs.pool import make_pool
from newt_core.errors import EnvironmentClosedError, InvalidActionError, PoolStateError
from tests.pool.toy_domain import BUILDERS, toy_spec


def _open():
    return make_pool([toy_spec(length=100)] * 4, workers=2, builders=BUILDERS)


@pytest.fixture(scope="module")
def shared_pool():
    with _open() as pool:
        yield pool


@pytest.fixture
def pool(shared_pool):
    """Four environments with a new episode, made once for all tests: starting takes a while."""
    shared_pool.reset()
    return shared_pool


def test_every_action_gets_exactly_one_row(pool):
    generator = np.random.default_rng(0)
    steps = np.zeros(4, dtype=int)
    waiting = np.arange(4)
    for _ in range(50):
        pool.send(np.zeros((len(waiting), 16)), waiting)
        transitions = pool.recv(int(generator.integers(1, 4)))
        waiting = transitions.env_ids
        assert (np.diff(waiting) > 0).all()
        steps[waiting] += 1
        np.testing.assert_array_equal(transitions.obs[:, 1], steps[waiting])


def test_actions_go_to_the_environments_named(pool):
    pool.send(np.array([[0.5] * 16, [-0.5] * 16]), [3, 1])
    transitions = pool.recv(2)
    assert transitions.env_ids.tolist() == [1, 3]
    np.testing.assert_allclose(transitions.reward, [-1.0, 1.0])


def test_a_slow_environment_does_not_hold_up_the_others(tmp_path: Path):
    barrier = tmp_path / "barrier"
    slow = toy_spec("slow", length=100, behind=str(barrier))
    with make_pool([slow, toy_spec(), toy_spec()], workers=2, builders=BUILDERS) as pool:
        pool.reset()
        barrier.touch()
        pool.send(np.zeros((3, 16)), np.arange(3))
        first = pool.recv(1)
        assert 0 not in first.env_ids
        barrier.unlink()
        rest = pool.recv(3 - len(first.env_ids))
    assert sorted([*first.env_ids, *rest.env_ids]) == [0, 1, 2]


def test_within_a_worker_too_an_environment_is_reported_when_it_is_done(tmp_path: Path):
    barrier = tmp_path / "barrier"
    slow = toy_spec("slow", length=100, behind=str(barrier))
    with make_pool([toy_spec(), slow], workers=1, builders=BUILDERS) as pool:
        pool.reset()
        barrier.touch()
        pool.send(np.zeros((2, 16)), [0, 1])
        assert pool.recv(1).env_ids.tolist() == [0]
        barrier.unlink()
        assert pool.recv(1).env_ids.tolist() == [1]


def test_lock_step_and_asynchronous_calls_can_be_mixed(pool):
    pool.step(np.zeros((4, 16)))
    pool.send(np.zeros((1, 16)), [2])
    pool.recv(1)
    assert pool.step(np.zeros((4, 16))).obs[:, 1].tolist() == [2, 2, 3, 2]


def test_reset_drops_what_was_under_way(pool):
    pool.send(np.zeros((2, 16)), [0, 1])
    obs = pool.reset()
    assert not obs[:, 1].any()
    with pytest.raises(PoolStateError, match=r"send\(\)"):
        pool.recv()


def test_receiving_before_sending_is_an_error(pool):
    with pytest.raises(PoolStateError, match=r"cannot wait for 1 environments while 0"):
        pool.recv()
    pool.send(np.zeros((1, 16)), [0])
    with pytest.raises(PoolStateError, match="cannot wait for 2 environments while 1"):
        pool.recv(2)


def test_sending_twice_is_an_error(pool):
    pool.send(np.zeros((2, 16)), [0, 3])
    with pytest.raises(PoolStateError, match="environment 3 is still stepping"):
        pool.send(np.zeros((2, 16)), [1, 3])
    with pytest.raises(PoolStateError, match="still stepping"):
        pool.step(np.zeros((4, 16)))
    assert pool.recv(2).env_ids.tolist() == [0, 3]  # the mistake did no harm


@pytest.mark.parametrize("ids", [[4], [-1], [1, 1], [[0]]])
def test_environment_ids_are_checked(pool, ids):
    with pytest.raises(PoolStateError, match="from 0 to 3"):
        pool.send(np.zeros((len(ids), 16)), ids)


def test_actions_are_checked(pool):
    with pytest.raises(InvalidActionError, match=r"shape \(4, 6\); it must be \(4, 16\)"):
        pool.step(np.zeros((4, 6)))
    actions = np.zeros((4, 16))
    actions[2, 5] = np.nan
    with pytest.raises(InvalidActionError, match=r"entry \(2, 5\) is nan"):
        pool.step(actions)
    assert pool.step(np.zeros((4, 16))).obs[:, 1].tolist() == [1, 1, 1, 1]


def test_a_pool_without_episodes_and_a_closed_one_say_so():
    pool = _open()
    with pytest.raises(PoolStateError, match="reset"):
        pool.step(np.zeros((4, 16)))
    pool.close()
    pool.close()
    for call in (
        pool.reset,
        pool.recv,
        lambda: pool.step(np.zeros((4, 16))),
        lambda: pool.send(np.zeros((1, 16)), [0]),
    ):
        with pytest.raises(EnvironmentClosedError, match="closed"):
            call()
