"""How far a list of runs is: one count, and the time left of all that is to come."""

from __future__ import annotations

from newt_core.training.list_progress import ListProgress
from newt_core.training.progress import RunStatus
from newt_core.training.run_list import Member
from tests.fixtures.watcher import Watcher

A, B, C = (Member(f"{name}_seed-0", name, 0) for name in "abc")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(watcher: Watcher, clock: Clock, jobs: int = 1, expected: object = 10.0) -> ListProgress:
    seconds = dict.fromkeys((A, B, C), expected)
    return ListProgress(watcher, {A: 100, B: 100, C: 200}, [], seconds, jobs=jobs, clock=clock)  # type: ignore[arg-type]


def status(steps: int, left: float | None = None, **others: object) -> RunStatus:
    return RunStatus(steps, 100, 7, 5.0, {"d": 0.5}, seconds_left=left, **others)  # type: ignore[arg-type]


def test_one_count_over_all_runs_and_what_is_at_work():
    watcher, clock = Watcher(), Clock()
    whole = made(watcher, clock)
    whole.of(A).update(status(40, message="a checkpoint"))
    now = watcher.seen[-1]
    assert (now.steps, now.total, now.steps_per_s) == (40, 400, 5.0)
    assert now.run == "0/3 runs · a, seed 0"
    assert now.message == "a, seed 0: a checkpoint"
    assert now.scores == {"d": 0.5}
    whole.end(A, whole=True)
    whole.of(B).update(status(10))
    now = watcher.seen[-1]
    assert (now.steps, now.run) == (110, "1/3 runs · b, seed 0")


def test_several_at_a_time_add_up():
    watcher, clock = Watcher(), Clock()
    whole = made(watcher, clock, jobs=2)
    whole.of(A).update(status(40, left=6.0))
    whole.of(B).update(status(20, left=8.0))
    now = watcher.seen[-1]
    assert (now.steps, now.steps_per_s, now.updates) == (60, 10.0, 14)
    assert now.run == "0/3 runs · a, seed 0, b, seed 0"
    assert now.scores == {}
    # 6 + 8 + 10 for the third, two at a time.
    assert now.seconds_left == 12.0


def test_time_left_is_that_of_all_runs_to_come_and_learns_from_those_that_ended():
    watcher, clock = Watcher(), Clock()
    whole = made(watcher, clock)
    whole.of(A).update(status(0))
    # Nothing is known of the run itself yet: all three as expected.
    assert watcher.seen[-1].seconds_left == 30.0
    whole.tell(A, status(50, left=12.0))
    assert watcher.seen[-1].seconds_left == 12.0 + 20.0
    clock.now = 25.0
    whole.end(A, whole=True)
    # It took two and a half times as long as expected; so will the others.
    assert watcher.seen[-1].seconds_left == 50.0
    whole.of(B).update(status(50, left=12.0))
    assert watcher.seen[-1].seconds_left == 12.0 + 25.0
    whole.end(B, whole=True)
    whole.of(C).update(status(200, left=0.0))
    whole.end(C, whole=True)
    assert watcher.seen[-1].seconds_left == 0.0


def test_without_expectations_it_goes_by_the_pace_of_the_others():
    watcher, clock = Watcher(), Clock()
    whole = made(watcher, clock, expected=None)
    whole.of(A).update(status(0))
    clock.now = 3.0
    whole.tell(A, status(50, left=2.0))
    # It will have taken 5 seconds; the others are as long, and twice as long.
    assert [seen.seconds_left for seen in watcher.seen] == [None, 2.0 + 5.0 + 10.0]
    clock.now = 20.0
    whole.end(A, whole=True)
    assert watcher.seen[-1].seconds_left == 20.0 + 40.0
    whole.of(B).update(status(10, left=1.0))
    # What has ended is known better than what is at work.
    assert watcher.seen[-1].seconds_left == 1.0 + 40.0


def test_of_a_run_that_goes_on_only_the_rest_counts():
    watcher, clock = Watcher(), Clock()
    seconds = dict.fromkeys((A, B, C), 10.0)
    whole = ListProgress(watcher, {A: 100, B: 100, C: 200}, [C], seconds, clock=clock)
    whole.of(A).update(status(80, left=2.0))
    assert watcher.seen[-1].steps == 280
    assert watcher.seen[-1].seconds_left == 2.0 + 10.0
    clock.now = 4.0
    whole.end(A, whole=True)
    # A fifth of it took 4 seconds instead of 2.
    assert watcher.seen[-1].seconds_left == 20.0


def test_a_pretraining_counts_its_own_updates_and_not_the_lists_steps():
    watcher, clock = Watcher(), Clock()
    whole = made(watcher, clock)
    whole.of(A).update(status(90, left=1.0, counts="updates"))
    now = watcher.seen[-1]
    assert (now.steps, now.counts, now.seconds_left) == (0, "steps", 30.0)


def test_a_run_that_failed_is_not_waited_for():
    watcher, clock = Watcher(), Clock()
    whole = made(watcher, clock)
    whole.of(A).update(status(50, left=2.0))
    whole.end(A, whole=False)
    now = watcher.seen[-1]
    assert (now.steps, now.run) == (50, "0/3 runs")
    assert now.seconds_left == 20.0
