"""When a task that keeps dying ends the run."""

from __future__ import annotations

import pytest

from newt_core.envs.pool import OUTSIDE_TASKS, PoolStats, deaths
from newt_core.envs.pool.deaths import DeathLog
from newt_core.errors import EnvironmentFailure


class Clock:
    """Stands in for ``time.monotonic``."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(deaths, "time", clock)
    return clock


def test_deaths_that_are_far_apart_are_only_counted(clock):
    stats = PoolStats()
    log = DeathLog(stats)
    for _ in range(5):
        log.record("walker-run", "it fell")
        clock.now += 31.0
    assert stats.deaths == {"walker-run": 5}


def test_the_third_within_a_minute_names_the_task_and_its_last_error(clock):
    log = DeathLog(PoolStats())
    log.record("walker-run", "it fell")
    log.record("walker-walk", "it slipped")
    clock.now += 59.0
    log.record("walker-run", "it fell again")
    with pytest.raises(EnvironmentFailure, match=r"'walker-run' failed 3 times .* it is lazy\."):
        log.record("walker-run", "it is lazy")


def test_time_spent_waiting_for_a_hung_worker_does_not_count(clock):
    log = DeathLog(PoolStats())
    for _ in range(2):
        clock.now += 61.0
        log.record("walker-run", "no sign of life", hung_s=60.0)
    clock.now += 61.0
    with pytest.raises(EnvironmentFailure, match="failed 3 times"):
        log.record("walker-run", "no sign of life", hung_s=60.0)


def test_workers_that_die_outside_a_task_have_a_count_of_their_own(clock):
    stats = PoolStats()
    log = DeathLog(stats)
    log.record(None, "killed")
    log.record("walker-run", "it fell")
    log.record(None, "killed")
    assert stats.deaths == {OUTSIDE_TASKS: 2, "walker-run": 1}
    with pytest.raises(EnvironmentFailure, match="environment workers died 3 times"):
        log.record(None, "killed")


def test_more_workers_may_die_more_often_in_all(clock):
    stats = PoolStats()
    log = DeathLog(stats)
    for worker in range(8):
        for _ in range(2):
            log.record("walker-run", "it fell", worker)
    assert stats.deaths == {"walker-run": 16}
    with pytest.raises(EnvironmentFailure, match="'walker-run' failed 3 times"):
        log.record("walker-run", "it fell", 5)
