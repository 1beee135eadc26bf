"""What a run of interaction tells whoever watches, and which rows of metrics it leaves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from newt_core.specs import TaskSpec
from newt_core.training.metrics import Row, read_metrics
from newt_core.types import Transitions
from tests.fixtures.point_pool import PointPool
from tests.fixtures.trainers import PointRun, point_config
from tests.fixtures.watcher import Watcher

EVALUATED = {"eval/score", "eval/dmcontrol", "eval/seconds"}
ALWAYS = {
    *("step", "wall_time", "updates", "updates/skipped", "steps_per_s", "replay/steps"),
    *("planner/prior_weight", "pool/lost_episodes", "pool/deaths", "replay/damaged_episodes"),
    "overlap/stale_updates",
}
"""What every report of interaction has."""


pytestmark = pytest.mark.usefixtures("tiny_networks")


class Clock:
    """Time as a test lets it go by."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        patch.setattr(time, "monotonic", lambda: self.now)


def rows_of(run: PointRun) -> dict[Any, Row]:
    return {row["step"]: row for row in read_metrics(run.folder / "metrics.jsonl")}


def constant(specs: Sequence[TaskSpec]) -> PointPool:
    return PointPool(specs, reward=1.0)


def test_whoever_watches_is_told_of_every_step_and_every_evaluation(tmp_path: Path):
    watcher = Watcher()
    run = PointRun(tmp_path / "a", config=point_config(steps=30), progress=watcher)
    run.run()
    score: dict[str, float] = {}
    expected: list[tuple[object, ...]] = []

    def told(step: int, message: str = "") -> None:
        # One update for four steps, after the 12 steps of the first episodes.
        expected.append((step, 30, max(0, step - 12) // 4, dict(score), message))

    for step in range(0, 31, 2):
        if step:
            told(step)
        if step in (0, 24, 30):
            told(step, f"evaluating at step {step}")
            score["dmcontrol"] = step / 100
            told(step, f"score {step / 100:.3f} at step {step}")
        if step == 0:
            told(0)
    assert [(s.steps, s.total, s.updates, s.scores, s.message) for s in watcher.seen] == expected
    assert {status.counts for status in watcher.seen} == {"steps"}


def test_a_run_that_goes_on_says_what_it_repeats(tmp_path: Path):
    run = PointRun(tmp_path / "a", config=point_config(steps=30))
    calls = count()
    run.run(should_stop=lambda: next(calls) >= 8)
    run.progress = watcher = Watcher()
    run.run(resume=True)
    first = watcher.seen[0]
    # Seven steps of either environment: one of a second episode of six, three of one of four.
    assert (first.steps, first.message) == (
        14,
        "repeating 3 steps of the episodes that were open",
    )
    assert [s.message for s in watcher.seen].count(first.message) == 1


def test_a_row_has_the_episodes_that_ended_since_the_one_before(tmp_path: Path):
    config = point_config(steps=24, checkpoint__every=2)
    run = PointRun(tmp_path / "a", config=config, pool=constant)
    run.run()
    rows = rows_of(run)
    assert list(rows) == list(range(0, 25, 2))
    assert set(rows[0]) == EVALUATED | {"step", "wall_time"}
    learned = [step for step, row in rows.items() if "loss/value" in row]
    assert learned == list(range(16, 25, 2))
    for step, row in rows.items():
        if step == 0:
            continue
        # Episodes of six and of four steps, each of which pays 1.
        ended = {f"train/return/{task}": length for task, length in (("near", 6), ("nearer", 4))
                 if step // 2 % length == 0}  # fmt: skip
        ended |= {name.replace("return", "score"): value for name, value in ended.items()}
        assert {name: row[name] for name in row if name.startswith("train/")} == ended
        own = {name for name in row if not name.startswith(("train/", "loss/", "grad/", "q/"))}
        assert own >= ALWAYS | (EVALUATED if step == 24 else set())
        assert (row["replay/steps"], row["updates"], row["updates/skipped"]) == (
            step // 12 * 6 + step // 8 * 4,
            max(0, step - 12) // 4,
            0,
        )
    assert (rows[24]["eval/score"], rows[24]["eval/dmcontrol"]) == (0.24, 0.24)


def test_a_mean_is_of_all_episodes_between_two_reports_even_through_a_stop(tmp_path: Path):
    config = point_config(steps=48, checkpoint__every=48, evaluation__every=0)
    run = PointRun(tmp_path / "a", config=config)
    calls = count()
    run.run(should_stop=lambda: next(calls) >= 13)
    assert rows_of(run)[26]["train/score/nearer"] is not None
    run.run(resume=True)
    whole = PointRun(tmp_path / "b", config=config)
    whole.run()
    last, expected = rows_of(run)[48], rows_of(whole)[48]
    for name in ("train/return/near", "train/score/near", "train/return/nearer"):
        assert last[name] == expected[name], name
    episodes = list(whole.online.episodes())
    returns = [float(e.reward.sum()) for e in episodes if e.task == 0]
    assert len(returns) == 4
    assert expected["train/return/near"] == pytest.approx(sum(returns) / 4)


def test_metrics_come_every_ten_seconds_and_the_speed_leaves_evaluations_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = Clock(monkeypatch)

    class Slow(PointPool):
        def step(self, actions: Any) -> Transitions:
            clock.now += 4.0
            return super().step(actions)

    def evaluated(step: int) -> float:
        clock.now += 25.0  # twice: the fixture asks for the task's and for the domain's score
        return 0.5

    watcher = Watcher()
    config = point_config(steps=32, checkpoint__every=100, evaluation__every=14)
    run = PointRun(tmp_path / "a", config=config, pool=Slow, scores=evaluated, progress=watcher)
    run.run()
    rows = rows_of(run)
    # Three steps take twelve seconds. An evaluation takes fifty, and its step is reported at once.
    assert list(rows) == [0, 6, 12, 14, 20, 26, 28, 32]
    assert [row["eval/seconds"] for row in rows.values() if "eval/score" in row] == [50.0] * 4
    assert [row["steps_per_s"] for row in rows.values()] == [0.0] + [0.5] * 7
    assert {status.steps_per_s for status in watcher.seen} == {0.0, 0.5}
    # At the start; and from the first update on, speed is measured anew.
    assert [s.steps for s in watcher.seen if s.steps_per_s == 0.0] == [0, 0, 0, 16]


def test_the_time_left_is_told_once_the_run_does_what_it_will_go_on_doing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = Clock(monkeypatch)

    class Slow(PointPool):
        def step(self, actions: Any) -> Transitions:
            # Random steps are quick; then updates take their time, many of them at first.
            clock.now += 0.1 if watcher.seen[-1].updates == 0 else 4.0
            return super().step(actions)

    watcher = Watcher()
    config = point_config(steps=32, checkpoint__every=100, evaluation__every=0)
    run = PointRun(tmp_path / "a", config=config, pool=Slow, progress=watcher)
    run.run()
    told = {status.steps: status.seconds_left for status in watcher.seen}
    # The first update comes at step 16 and the second at 20. From then on two steps take four
    # seconds, and the last evaluation is to come.
    assert [step for step, left in told.items() if left is None] == list(range(0, 20, 2))
    for step in range(20, 32, 2):
        assert 2 * (32 - step) < (told[step] or 0.0) < 2 * (32 - step) + 10


def test_a_run_that_goes_on_tells_its_own_speed(tmp_path: Path):
    watcher = Watcher()
    run = PointRun(tmp_path / "a", config=point_config(steps=30, evaluation__every=0))
    calls = count()
    run.run(should_stop=lambda: next(calls) >= 11)
    run.progress = watcher
    run.run(resume=True)
    told = [status.steps for status in watcher.seen if status.seconds_left is not None]
    assert told[0] == 28  # Its second update, at step 24 the first.


def test_a_burst_of_updates_is_shown_and_can_be_stopped(tmp_path: Path):
    watcher = Watcher()
    config = point_config(update__updates_per_step=20, steps=20)
    run = PointRun(tmp_path / "a", config=config, progress=watcher)
    result, _ = run.run(should_stop=lambda: bool(watcher.seen) and watcher.seen[-1].updates >= 20)
    assert result.interrupted
    shown = [status.updates for status in watcher.seen if status.updates]
    assert shown == [10, 20]
