"""When a run is evaluated: at multiples of a number of steps, and at shares of the run."""

from __future__ import annotations

import pytest

from newt_core.model.sizes import SIZES
from newt_core.training.cadence import AtShares, Evaluations, moment_of
from newt_core.training.metrics import read_metrics
from tests.fixtures.models import TINY
from tests.fixtures.trainers import PointRun, point_config


def steps_of(evaluations: Evaluations) -> list[int]:
    steps = range(evaluations.total + 1)
    return [step for step in steps if evaluations.after(step - 1) > evaluations.after(step)]


@pytest.mark.parametrize(
    ("share", "total", "moment"),
    [(0.1, 30, 3), (0.25, 30, 8), (0.5, 1, 1), (1.0, 100_000, 100_000), (0.07, 100, 7)],
)
def test_a_share_is_reached_at_the_first_step_at_or_after_it(share, total, moment):
    assert moment_of(share, total) == moment
    cadence = AtShares([share], total)
    assert not cadence.due(moment - 1, 0)
    assert cadence.due(moment, moment - 1)
    assert cadence.due(moment + 3, moment - 1), "several environments step at once"
    assert not cadence.due(moment + 1, moment)


def test_a_run_is_evaluated_at_shares_whatever_else(tmp_path, monkeypatch):
    monkeypatch.setitem(SIZES, "2M", TINY)
    config = point_config(steps=40, evaluation__every=0, evaluation__at="[0.1, 0.25, 0.5]")
    run = PointRun(tmp_path / "a", config=config)
    run.run()
    assert run.evaluated == [0, 4, 10, 20, 40]
    assert steps_of(Evaluations(40, 0, [0.1, 0.25, 0.5])) == run.evaluated
    both = PointRun(tmp_path / "b", config=point_config(steps=40, evaluation__at="[0.25]"))
    both.run()
    assert both.evaluated == [0, 10, 24, 40]
    rows = read_metrics(tmp_path / "b/metrics.jsonl")
    assert [row["step"] for row in rows if "eval/score" in row] == both.evaluated


@pytest.mark.parametrize(
    ("every", "shares", "steps"),
    [
        (0, (), [100]),
        (40, (), [0, 40, 80, 100]),
        (50, (), [0, 50, 100]),
        (0, (0.1, 1.0), [0, 10, 100]),
        (50, (0.25, 0.5), [0, 25, 50, 100]),
    ],
)
def test_evaluations_are_known_before_a_run_begins(every, shares, steps):
    assert steps_of(Evaluations(100, every, shares)) == steps
    assert Evaluations(100, every, shares).after(-1) == len(steps)


def test_billions_of_evaluations_are_counted_at_once():
    assert Evaluations(10**15, 1, [0.5]).after(-1) == 10**15 + 1
    assert Evaluations(10**15, 1, [0.5]).after(10**15 - 2) == 2
