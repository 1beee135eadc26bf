"""The time left of a run until it can tell by itself."""

from __future__ import annotations

import pytest

from newt_core.training.expected import Expected
from newt_core.training.progress import RunStatus
from tests.fixtures.watcher import Watcher


@pytest.fixture
def clock() -> list[float]:
    return [100.0]


def status(left: float | None, counts: str = "steps") -> RunStatus:
    return RunStatus(5, 50, 7, 2.0, {"d": 0.5}, counts=counts, seconds_left=left)


def test_what_was_expected_counts_until_the_run_can_tell(clock):
    watcher = Watcher()
    progress = Expected(watcher, 60.0, clock=lambda: clock[0])
    clock[0] += 20.0
    progress.update(status(None))
    progress.update(status(300.0))
    clock[0] += 41.0  # More than was expected: nothing is known then.
    progress.update(status(None))
    assert [seen.seconds_left for seen in watcher.seen] == [40.0, 300.0, None]
    assert watcher.seen[0].scores == {"d": 0.5}


@pytest.mark.parametrize(("alone", "left"), [(False, 50.0), (True, 3.0)])
def test_a_pretraining_does_not_know_of_the_interaction_after_it(clock, alone, left):
    watcher = Watcher()
    progress = Expected(watcher, 60.0, pretraining=alone, clock=lambda: clock[0])
    clock[0] += 10.0
    progress.update(status(3.0, "updates"))
    assert watcher.seen[-1].seconds_left == left


def test_without_an_expectation_all_is_passed_on_as_it_is(clock):
    watcher = Watcher()
    progress = Expected(watcher, None, clock=lambda: clock[0])
    told = [status(None), status(3.0), status(3.0, "updates")]
    for one in told:
        progress.update(one)
    assert watcher.seen == told
