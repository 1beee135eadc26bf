"""Fractions of the closed loop's return, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.evaluation.open_loop import average, fractions, thirds
from newt_core.evaluation.traces import Trace, states


def traces(*rewards: list[float]) -> list[Trace]:
    return [
        Trace(
            states(np.zeros((len(each) + 1, 128), np.float32), 0),
            np.zeros((len(each), 16), np.float32),
            np.array(each, np.float32),
        )
        for each in rewards
    ]


@pytest.mark.parametrize(
    ("horizon", "steps"),
    [(48, [16, 32, 48]), (24, [8, 16, 24]), (25, [9, 17, 25]), (1, [1, 1, 1])],
)
def test_thirds_of_a_horizon(horizon, steps):
    assert list(thirds(horizon).values()) == steps


def test_fractions_are_of_the_mean_return_up_to_each_time():
    closed = traces([1, 1, 1, 9], [3, 1, 1, 9])  # What comes after the horizon does not count.
    opened = traces([1, 0, 1], [1, 1, 1])
    found = fractions(closed, opened, 3)
    assert [part.steps for part in found.values()] == [1, 2, 3]
    assert [part.closed for part in found.values()] == [2.0, 3.0, 4.0]
    assert [part.open for part in found.values()] == [1.0, 1.5, 2.5]
    assert [part.ratio for part in found.values()] == [0.5, 0.5, 0.625]
    # Of the first: 1 - 0.5 · 1 and 1 - 0.5 · 3 over 2, so ±0.25; times t of one degree of freedom.
    assert found["t1"].ci95 == pytest.approx(12.7062 * 0.25, rel=1e-4)


def test_alike_in_all_episodes_there_is_no_doubt():
    found = fractions(traces([2, 2, 2], [4, 4, 4]), traces([1, 1, 1], [2, 2, 2]), 3)
    assert (found["t3"].ratio, found["t3"].ci95) == (0.5, 0.0)
    assert fractions(traces([2.0]), traces([1.0]), 1)["t1"].ci95 is None


def test_of_a_return_that_is_not_positive_there_is_no_fraction():
    lost = fractions(traces([0, -1, 3]), traces([0, -2, 1]), 3)
    assert [part.ratio for part in lost.values()] == [None, None, -0.5]
    whole = fractions(traces([2, 2, 2]), traces([1, 1, 1]), 3)
    assert average([lost, whole]) == {"t1": 0.5, "t2": 0.5, "t3": 0.5, "tasks": 1}
    assert average([lost]) == {"t1": None, "t2": None, "t3": None, "tasks": 0}
