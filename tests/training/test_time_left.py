"""How long a run and its evaluations will take yet."""

from __future__ import annotations

import pytest

from newt_core.training import time_left
from newt_core.training.cadence import Evaluations
from newt_core.training.progress import Evaluating
from newt_core.training.time_left import TimeLeft


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time_left.time, "monotonic", lambda: now[0])
    return now


def evaluated(left: TimeLeft, clock: list[float], seconds: float) -> None:
    left.begin_evaluation()
    clock[0] += seconds
    left.evaluated(10, 10)
    assert left.end_evaluation(whole=True) == seconds


@pytest.mark.parametrize(
    ("every", "steps", "evaluations"),
    [
        (400, 0, 3),  # at 400, 800 and 1000
        (400, 400, 2),
        (400, 799, 2),
        (400, 800, 1),
        (500, 0, 2),  # the one at 1000 is the last
        (500, 500, 1),
        (0, 0, 1),  # the last
        (0, 999, 1),
        (0, 1000, 0),
        (400, 1000, 0),
    ],
)
def test_evaluations_to_come_count(clock, every, steps, evaluations):
    left = TimeLeft(Evaluations(1000, every))
    evaluated(left, clock, 60.0)
    assert left.seconds(steps, 10.0, None) == (1000 - steps) / 10 + evaluations * 60


def test_what_is_not_known_is_not_told(clock):
    left = TimeLeft(Evaluations(1000, 500))
    assert left.seconds(0, 0.0, 60.0) is None  # no speed
    assert left.seconds(0, 10.0, None) is None  # no evaluation
    assert left.seconds(0, 10.0, 60.0) == 220.0  # two of them, as they are expected
    left.begin_evaluation()
    assert left.evaluating == Evaluating(0, 0, None)
    assert left.seconds(500, 10.0, 60.0) is None


def test_the_evaluation_under_way_is_foreseen_from_its_own_speed(clock):
    left = TimeLeft(Evaluations(1000, 500))
    left.begin_evaluation()
    clock[0] += 30.0  # Simulators and the first step.
    left.evaluated(1, 401)
    assert left.evaluating == Evaluating(1, 401, None)
    clock[0] += 20.0
    left.evaluated(101, 401)
    assert left.evaluating == Evaluating(101, 401, 60.0)
    # The rest of this one, 500 steps, and another of 110 seconds.
    assert left.seconds(500, 10.0, None) == 60.0 + 50.0 + 110.0
    left.end_evaluation(whole=False)
    assert left.seconds(500, 10.0, None) is None  # a part of one says nothing
    left.begin_evaluation()
    assert left.evaluating == Evaluating(0, 0, None)  # another


def test_until_it_has_a_speed_an_evaluation_takes_what_the_last_one_took(clock):
    left = TimeLeft(Evaluations(1000, 500))
    evaluated(left, clock, 60.0)
    left.begin_evaluation()
    clock[0] += 25.0
    left.evaluated(5, 5000)
    assert left.evaluating == Evaluating(5, 5000, 35.0)
