"""What a pretraining tells whoever watches, which rows it leaves, and which checkpoints."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from newt_core.agents.newt.update import Learner
from newt_core.errors import TrainingDiverged
from newt_core.training import pretrain
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.metrics import Row, read_metrics
from tests.fixtures.pretrainers import config, run
from tests.fixtures.watcher import Watcher

pytestmark = pytest.mark.usefixtures("tiny_networks")


def rows_of(folder: Path) -> list[Row]:
    return read_metrics(folder / "metrics.jsonl")


def test_whoever_watches_is_told_of_every_update_and_every_evaluation(tmp_path: Path):
    watcher = Watcher()
    run(tmp_path, config(5, **{"pretrain.evaluate_every": 2}), progress=watcher)
    scored = {"policy": 0.5}
    assert [(s.steps, s.updates, s.scores, s.message) for s in watcher.seen] == [
        (1, 1, {}, ""),
        (2, 2, {}, ""),
        (2, 2, {}, "evaluating after 2 updates"),
        (2, 2, scored, "score after 2 updates: policy 0.500"),
        (3, 3, scored, ""),
        (4, 4, scored, ""),
        (4, 4, scored, "evaluating after 4 updates"),
        (4, 4, scored, "score after 4 updates: policy 0.500"),
        (5, 5, scored, ""),
        (5, 5, scored, "evaluating after 5 updates"),
        (5, 5, scored, "score after 5 updates: policy 0.500"),
    ]
    assert {(s.total, s.counts) for s in watcher.seen} == {(5, "updates")}


def test_rows_come_with_so_many_updates_every_evaluation_and_every_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pretrain, "LOG_UPDATES", 4)
    changes = {"pretrain.evaluate_every": 7, "pretrain.checkpoint_every": 9}
    _, made = run(tmp_path, config(17, **changes))
    rows = {row["step"]: row for row in rows_of(tmp_path)}
    # Each fourth update, begun anew at the checkpoints after nine and at the end.
    assert list(rows) == [4, 7, 8, 9, 13, 14, 17]
    evaluated = {"step", "wall_time", "eval/policy", "eval/seconds"}
    assert set(rows[7]) == set(rows[14]) == evaluated
    reported = {"step", "wall_time", "updates_per_s", "updates/skipped", "lr", "loss/cloning"}
    for step in (4, 8, 9, 13, 17):
        assert reported <= set(rows[step]), step
        assert ("eval/policy" in rows[step]) == (step == 17)
        assert (rows[step]["updates_per_s"] or 0.0) > 0
    # As long as the learning rate warms up, it is told as it is.
    assert rows[4]["lr"] == pytest.approx(0.4 * made.config.update.lr)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        *("best.pt", "last.pt", "step_000000009.pt", "step_000000017.pt"),
    ]
    best, last = (load_checkpoint(tmp_path / f"checkpoints/{name}.pt") for name in ("best", "last"))
    assert (
        best["counters"]
        == last["counters"]
        == {
            "steps": 0,
            "updates": 17,
            "evaluated_at": 17,
            "scores": {"policy": 0.5},
        }
    )


def test_rows_come_every_ten_seconds_and_the_speed_leaves_evaluations_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    update = Learner.update

    def slow(self, *args, **kwargs):
        now[0] += 4.0
        return update(self, *args, **kwargs)

    class Evaluating(list):
        def append(self, item):
            now[0] += 50.0

    monkeypatch.setattr(Learner, "update", slow)
    settings = config(8, **{"pretrain.evaluate_every": 4})
    watcher = Watcher()
    run(tmp_path, settings, evaluations=Evaluating(), progress=watcher)
    rows = rows_of(tmp_path)
    assert [(row["step"], row.get("updates_per_s"), row.get("eval/seconds")) for row in rows] == [
        (3, 0.25, None),
        (4, None, 50.0),
        (5, 0.25, None),
        (8, 0.25, 50.0),
    ]
    assert {status.steps_per_s for status in watcher.seen} == {0.25}


def test_weights_after_updates_that_were_left_out_are_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    update = Learner.update

    def breaking(self, batch, **kwargs):
        if self.updates == 3:
            with torch.no_grad():
                self.model.dynamics.first.linear.weight.fill_(float("nan"))
        return update(self, batch, **kwargs)

    monkeypatch.setattr(Learner, "update", breaking)
    folder = tmp_path / "checkpoints"
    with pytest.raises(TrainingDiverged, match="step 4: 1 updates in a row were not finite"):
        run(tmp_path, config(40, **{"pretrain.checkpoint_every": 2}))
    assert load_checkpoint(folder / "last.pt")["counters"]["updates"] == 2
    monkeypatch.setattr(pretrain, "LOG_UPDATES", 3)
    with pytest.raises(TrainingDiverged, match=r"step 15: 12 updates in a row"):
        run(tmp_path / "b", config(40))
    assert not (tmp_path / "b/checkpoints").exists()
