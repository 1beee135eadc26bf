"""Environments that keep failing end a run, and cost nothing of what it has learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from numpy.typing import ArrayLike

from newt_core.errors import EnvironmentFailure
from newt_core.specs import TaskSpec
from newt_core.training import online
from newt_core.training.checkpoint_folder import latest_intact
from newt_core.training.metrics import read_metrics
from newt_core.types import Transitions
from tests.fixtures.point_pool import PointPool
from tests.fixtures.trainers import PointRun
from tests.fixtures.watcher import Watcher


@pytest.fixture(autouse=True)
def tiny_runs(tiny_networks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "LOG_SECONDS", 0.0)


class FailingPool(PointPool):
    """Gives up at its 14th step, in the middle of episodes."""

    def __init__(self, specs: Sequence[TaskSpec]) -> None:
        super().__init__(specs)
        self.steps_left = 13

    def step(self, actions: ArrayLike) -> Transitions:
        if not self.steps_left:
            self.stats.deaths = {"near": 3}
            raise EnvironmentFailure("task 'near' failed 3 times within 60 s.")
        self.steps_left -= 1
        return super().step(actions)


def test_the_run_is_saved_says_so_and_goes_on(tmp_path: Path) -> None:
    run = PointRun(tmp_path / "run", pool=FailingPool)
    message = r"^task 'near' failed .* The run is saved at step 26: .* go on with --resume\.$"
    with pytest.raises(EnvironmentFailure, match=message):
        run.run()
    saved = latest_intact(run.folder / "checkpoints").payload
    assert saved["counters"]["steps"] == 26
    # The episodes that were open are lost: their actions would lead to the same end.
    assert saved["collector"]["open_steps"].tolist() == [0, 0]
    assert saved["collector"]["numbers"].tolist() == [3, 4]

    watcher = Watcher()
    run.pool, run.progress = PointPool, watcher
    result, trainer = run.run(resume=True)
    assert (result.steps, result.interrupted) == (60, False)
    assert trainer.collector.lost_episodes == 2
    newest = read_metrics(run.folder / "metrics.jsonl")[-1]
    assert (newest["pool/deaths"], newest["pool/lost_episodes"]) == (3, 2)
    assert {(s.deaths, s.lost_episodes) for s in watcher.seen} == {(3, 2)}


def test_an_evaluation_that_fails_costs_no_episode(tmp_path: Path) -> None:
    def fail(step: int) -> float:
        if step:
            raise EnvironmentFailure("task 'near' failed.")
        return 0.0

    run = PointRun(tmp_path / "run", scores=fail)
    with pytest.raises(EnvironmentFailure, match="saved at step 24"):
        run.run()
    run.scores = lambda step: 1.0
    result, trainer = run.run(resume=True)
    assert (result.steps, result.score) == (60, 1.0)
    assert run.evaluated[:3] == [0, 24, 24]  # What was due is made up for.
    assert trainer.collector.lost_episodes == 0


def test_before_the_first_step_there_is_nothing_to_save(tmp_path: Path) -> None:
    def fail(step: int) -> float:
        raise EnvironmentFailure("task 'near' failed.")

    run = PointRun(tmp_path / "run", scores=fail)
    with pytest.raises(EnvironmentFailure, match=r"^task 'near' failed\.$"):
        run.run()
    assert not (run.folder / "checkpoints").exists()
