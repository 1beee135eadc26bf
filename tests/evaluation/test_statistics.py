"""Aggregates and their intervals, beside numbers worked out by hand and by another library."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.errors import ConfigError
from newt_core.evaluation.statistics import (
    AGGREGATES,
    Bootstrap,
    Estimate,
    improvement,
    interquartile_mean,
    profile,
    require_resampled,
)

OURS = np.array(
    [
        [0.10, 0.55, 0.80, 0.95, 0.30],
        [0.20, 0.45, 0.70, 1.20, 0.35],
        [0.15, 0.60, 0.75, 1.00, 0.05],
        [0.30, 0.50, 0.90, 0.85, 0.25],
    ]
)
THEIRS = np.array(
    [
        [0.20, 0.40, 0.80, 0.70, 0.30],
        [0.25, 0.35, 0.65, 0.90, 0.45],
        [0.05, 0.60, 0.60, 0.80, 0.40],
    ]
)


def test_aggregates_worked_by_hand():
    scores = np.array([[0.0, 0.2, 1.5, 0.7], [0.4, 0.2, 0.5, 0.9]])
    # Tasks' means: 0.2, 0.2, 1.0, 0.8. In order: 0 .2 | .2 .4 .5 .7 | .9 1.5.
    expected = {
        "mean": 0.55,
        "iqm": (0.2 + 0.4 + 0.5 + 0.7) / 4,
        "median": 0.5,
        "optimality_gap": 1 - (0.0 + 0.2 + 1.0 + 0.7 + 0.4 + 0.2 + 0.5 + 0.9) / 8,
    }
    found = {name: float(statistic(scores)) for name, statistic in AGGREGATES.items()}
    assert found == pytest.approx(expected)


def test_few_scores_are_not_trimmed():
    assert float(interquartile_mean(np.array([[0.0], [0.3], [0.9]]))) == pytest.approx(0.4)
    assert float(interquartile_mean(np.array([[0.0], [0.3], [0.9], [1.0]]))) == pytest.approx(0.6)


def test_a_tie_is_half_a_win():
    ours, theirs = np.array([[0.5, 1.0], [0.7, 0.0]]), np.array([[0.5, 0.0], [0.6, 0.0]])
    # First task: ½, 0, 1, 1 of 4 pairs; second: 1, 1, ½, ½.
    assert float(improvement(ours, theirs)) == pytest.approx((2.5 / 4 + 3 / 4) / 2)
    assert float(improvement(theirs, ours)) == pytest.approx(1 - (2.5 / 4 + 3 / 4) / 2)


def test_a_profile_counts_what_is_above():
    scores = np.array([[0.0, 0.5], [1.0, 0.5]])
    shares = profile(scores, np.array([-0.1, 0.0, 0.5, 1.0]))
    assert shares == pytest.approx([1.0, 0.75, 0.25, 0.0])


def test_intervals_of_few_draws_are_those_of_all_that_can_be_drawn():
    # Two runs of one task: draws are 0, 0.5 and 1 with probabilities ¼, ½, ¼.
    drawn = Bootstrap("runs", 4000).draw(np.array([[0.0], [1.0]])).mean((1, 2))
    values, counts = np.unique(drawn, return_counts=True)
    assert values == pytest.approx([0.0, 0.5, 1.0])
    assert counts / 4000 == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


@pytest.mark.parametrize(
    ("resampled", "within_task", "all_tasks"),
    [("runs", False, True), ("tasks", True, False), ("both", False, False)],
)
def test_what_is_drawn_anew(resampled, within_task, all_tasks):
    # Tasks in the tens, runs in the ones.
    scores = np.array([[10.0, 20.0, 30.0], [11.0, 21.0, 31.0]])
    drawn = Bootstrap(resampled, 50).draw(scores)
    tasks, runs = np.divmod(drawn, 10)
    assert (tasks == tasks[:, :1]).all(), "a task is drawn for all runs"
    assert (tasks == [1, 2, 3]).all() == all_tasks
    assert (runs == np.array([[0], [1]])).all() == within_task


def test_both_methods_get_the_same_tasks_and_runs_of_their_own():
    tasks = np.array([[1.0, 2.0, 3.0, 4.0]] * 3)
    bootstrap = Bootstrap("both", 50)
    assert (bootstrap.draw(tasks) == bootstrap.draw(tasks, method=1)).all()
    runs = tasks.T.copy()
    assert (bootstrap.draw(runs) != bootstrap.draw(runs, method=1)).any()


def test_a_methods_intervals_follow_from_the_seed_alone():
    first, again = Bootstrap("runs"), Bootstrap("runs")
    first.improvement(OURS, THEIRS)
    mean = AGGREGATES["mean"]
    assert first.estimate(mean, OURS) == again.estimate(mean, OURS)
    assert first.estimate(mean, OURS) != Bootstrap("runs", seed=1).estimate(mean, OURS)


@pytest.mark.parametrize(
    ("resampled", "runs", "tasks", "there"),
    [
        ("runs", 1, 5, False), ("runs", 2, 1, True), ("tasks", 3, 1, False),
        ("tasks", 1, 2, True), ("both", 1, 1, False), ("both", 1, 2, True), ("both", 2, 1, True),
    ],
)  # fmt: skip
def test_there_is_no_interval_where_nothing_can_be_drawn(resampled, runs, tasks, there):
    scores = np.linspace(0, 1, runs * tasks).reshape(runs, tasks)
    bootstrap = Bootstrap(resampled, 100)
    estimates = [bootstrap.estimate(statistic, scores) for statistic in AGGREGATES.values()]
    estimates += [
        *bootstrap.profile(scores, np.array([0.5])),
        bootstrap.improvement(scores, scores),
    ]
    assert {estimate.low is not None for estimate in estimates} == {there}
    assert {estimate.high is not None for estimate in estimates} == {there}


def test_a_word_that_is_none_has_one_that_is_near():
    assert require_resampled("both") == "both"
    with pytest.raises(ConfigError, match="Did you mean 'tasks'"):
        require_resampled("task")


RLIABLE = {
    "runs": {
        "mean": (0.5475, 0.5075, 0.5875),
        "iqm": (0.53, 0.495, 0.56),
        "median": (0.525, 0.475, 0.575),
        "optimality_gap": (0.4625, 0.43, 0.4975),
        "improvement": (0.61667, 0.44167, 0.78354),
    },
    "both": {
        "mean": (0.5475, 0.27, 0.83),
        "iqm": (0.53, 0.23, 0.87),
        "median": (0.525, 0.1875, 0.95031),
        "optimality_gap": (0.4625, 0.19494, 0.73),
    },
}
"""What rliable 1.2.0 gives for :data:`OURS` over :data:`THEIRS`, with 2,000 repetitions: its
``get_interval_estimates``, with ``task_bootstrap`` for both. For pairs it draws no tasks anew."""
RLIABLE_PROFILE = (
    (1.0, 0.9, 0.8, 0.65, 0.6, 0.5, 0.4, 0.35, 0.25, 0.15, 0.05),
    (1.0, 0.75, 0.7, 0.6, 0.6, 0.4, 0.4, 0.25, 0.2, 0.05, 0.0),
    (1.0, 1.0, 0.9, 0.75, 0.6, 0.6, 0.4, 0.4, 0.35, 0.2, 0.15),
)
"""Its ``create_performance_profile`` at 0, 0.1, … 1: shares, lower and upper ends."""
NOISE = 0.02
"""How far the ends of two bootstraps may be from each other."""


def three(estimate: Estimate) -> tuple[float, float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.value, estimate.low, estimate.high


@pytest.mark.parametrize("resampled", ["runs", "both"])
def test_the_reference_package_says_the_same(resampled):
    bootstrap = Bootstrap(resampled, 4000)
    found = {name: bootstrap.estimate(one, OURS) for name, one in AGGREGATES.items()}
    found["improvement"] = bootstrap.improvement(OURS, THEIRS)
    for name, expected in RLIABLE[resampled].items():
        assert found[name].value == pytest.approx(expected[0], abs=1e-5)
        assert three(found[name]) == pytest.approx(expected, abs=NOISE), name


def test_the_reference_package_draws_the_same_profile():
    found = Bootstrap("runs", 4000).profile(OURS, np.linspace(0, 1, 11))
    shares, low, high = zip(*map(three, found), strict=True)
    assert shares == pytest.approx(RLIABLE_PROFILE[0])
    # Shares are twentieths: an end may fall to either side.
    assert low == pytest.approx(RLIABLE_PROFILE[1], abs=0.051)
    assert high == pytest.approx(RLIABLE_PROFILE[2], abs=0.051)
