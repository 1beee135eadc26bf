"""Environments in this process: the same pool, without the processes."""

from __future__ import annotations

import gc
import os
import sys

import numpy as np
import pytest

from newt_core.envs.pool import make_pool
from newt_core.errors import ConfigError, EnvironmentClosedError, EnvironmentFailure
from newt_core.types import Transitions
from tests.pool.toy_domain import BUILDERS, LATE, ToySimulator, toy_spec, worker_pids


def _rows(workers: int, frames: int = 0) -> list[Transitions]:
    """Forty steps, each of some environments of four, the last of whom raises an error once."""
    generator = np.random.default_rng(0)
    specs = [toy_spec(f"toy-{length}", length) for length in (3, 5, 7, 11)]
    rows = []
    with make_pool(specs, workers, seed=3, frames=frames, builders=BUILDERS) as pool:
        pool.reset()
        for _ in range(40):
            envs = generator.permutation(4)[: generator.integers(1, 5)]
            pool.send(generator.uniform(-2, 2, (len(envs), 16)), envs)
            rows.append(pool.recv(len(envs)))
    return rows


@pytest.mark.parametrize("frames", [0, 2])
def test_transitions_are_those_of_worker_processes(frames):
    for here, there in zip(_rows(0, frames), _rows(2, frames), strict=True):
        for rows in (here, there):  # The third entry says whether the process imported PyTorch.
            rows.obs[:, 2] = rows.final_obs[:, 2] = 0
        for name, value in vars(here).items():
            np.testing.assert_array_equal(value, getattr(there, name), err_msg=name)


def test_simulators_run_in_this_process_and_are_closed_with_the_pool(monkeypatch):
    closed = []
    monkeypatch.setattr(ToySimulator, "close", lambda self: closed.append(self.spec.id))
    before = len(os.listdir("/proc/self/fd"))
    with make_pool([toy_spec("a"), toy_spec("b")], 0, builders=BUILDERS) as pool:
        assert worker_pids(pool) == [os.getpid()]
        assert closed == []
    assert closed == ["a", "b"]
    pool.close()  # again
    with pytest.raises(EnvironmentClosedError):
        pool.reset()
    del pool  # and with it the memory, which has a descriptor of its own
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_error_costs_an_episode_and_an_error_each_time_ends_the_pool(tmp_path):
    once = toy_spec("once", 50, trouble="raise", at=LATE, once=str(tmp_path / "happened"))
    with make_pool([once, toy_spec("fine", 50)], 0, builders=BUILDERS) as pool:
        pool.reset()
        steps = [pool.step(np.zeros((2, 16))) for _ in range(LATE + 1)]
        assert [row.lost.tolist() for row in steps[-2:]] == [[True, False], [False, False]]
        assert steps[-1].obs[:, 1].tolist() == [1, LATE + 1]
        assert (pool.stats.deaths, pool.stats.lost_episodes) == ({"once": 1}, 1)
    always = toy_spec("always", 50, trouble="raise", at=LATE)
    with make_pool([always], 0, builders=BUILDERS) as pool:
        pool.reset()
        for _ in range(3 * (LATE - 1) + 2):  # Up to the third time; a lost row takes a step.
            pool.step(np.zeros((1, 16)))
        with pytest.raises(EnvironmentFailure, match="'always' failed 3 times"):
            pool.step(np.zeros((1, 16)))


def test_more_environments_than_a_connection_holds_messages():
    with make_pool([toy_spec()] * 2_000, 0, builders=BUILDERS) as pool:
        assert pool.reset().shape == (2_000, 128)
        assert len(pool.step(np.zeros((2_000, 16))).env_ids) == 2_000


def test_what_simulators_print_stays_off_standard_output(monkeypatch, capsys):
    reset = ToySimulator.reset

    def chatty(self, seed):
        print("hello")
        return reset(self, seed)

    monkeypatch.setattr(ToySimulator, "reset", chatty)
    with make_pool([toy_spec()], 0, builders=BUILDERS) as pool:
        pool.reset()
        assert sys.stdout is not sys.stderr
    said = capsys.readouterr()
    assert (said.out, "hello" in said.err) == ("", True)


def test_a_variable_says_how_many_processes_there_are(monkeypatch):
    def started(workers: int | None = None) -> list[int]:
        with make_pool([toy_spec()] * 4, workers, builders=BUILDERS) as pool:
            return worker_pids(pool)

    monkeypatch.setenv("NEWT_WORKERS", "0")
    assert started() == [os.getpid()]
    assert len(started(workers=2)) == 2  # What is said in the program wins.
    monkeypatch.setenv("NEWT_WORKERS", "3")
    assert len(set(started()) - {os.getpid()}) == 3
    monkeypatch.setenv("NEWT_WORKERS", "")
    assert os.getpid() not in started()
    for wrong in ("-1", "two", "1.5"):
        monkeypatch.setenv("NEWT_WORKERS", wrong)
        with pytest.raises(ConfigError, match=f"NEWT_WORKERS must be a whole .*, not '{wrong}'"):
            started()
    monkeypatch.setenv("NEWT_WORKERS", "9" * 30)
    with pytest.raises(ConfigError, match="workers"):
        started()
