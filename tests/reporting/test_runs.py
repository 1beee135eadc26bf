"""How runs stand, and what of them can go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from newt_core.errors import ConfigError, RunFolderError
from newt_core.reporting.runs import clean
from newt_core.reporting.runs.clean import KINDS, delete, find_useless, require_kinds
from newt_core.reporting.runs.details import details
from newt_core.reporting.runs.state import State, disk_bytes, inspect_run, is_at_work
from newt_core.training.run_folder import RunFolder
from tests.fixtures.run_folders import (
    add_pretraining,
    evaluation,
    write_metrics,
    write_pretraining,
    write_run,
)


def checkpoint(folder: RunFolder, step: int, *, last: bool = True) -> Path:
    """Put a file where a checkpoint of a step would be, and name it ``last.pt``."""
    path = folder.checkpoints / f"step_{step:09d}.pt"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(os.urandom(20_000))
    if last:
        (folder.checkpoints / "last.pt").unlink(missing_ok=True)
        os.link(path, folder.checkpoints / "last.pt")
    return path


def begun(root: Path, name: str, *steps: int) -> RunFolder:
    """Make a run of 1,000 steps without an evaluation, whose metrics are at some steps."""
    run = write_run(root, name, ())
    write_metrics(run, [{"step": step, "wall_time": float(step)} for step in steps])
    return run


def old(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (0, 0))


def state_of(run: RunFolder) -> State:
    return inspect_run(run).state


def test_a_finished_run_has_done_all_and_saved(tmp_path):
    run = write_run(tmp_path, "a")
    checkpoint(run, 1004)
    info = inspect_run(run)
    assert (info.state, info.part, info.done, info.total) == (
        State.FINISHED, "interaction", 1004, 1000
    )  # fmt: skip
    assert (info.score, info.best) == pytest.approx((0.55, 0.55))
    (run.checkpoints / "step_000001004.pt").unlink()  # as newt runs clean does
    assert state_of(run) is State.FINISHED


def test_the_best_score_may_be_an_earlier_one(tmp_path):
    info = inspect_run(write_run(tmp_path, "a", (0.1, 0.7, 0.4)))
    assert (info.score, info.best) == pytest.approx((0.35, 0.65))


def test_a_stopped_run_has_saved_what_it_did_and_a_crashed_one_has_not(tmp_path):
    stopped, crashed, unsaved = (begun(tmp_path, name, 100, 700) for name in "abc")
    checkpoint(stopped, 700)
    checkpoint(crashed, 500)
    assert state_of(stopped) is State.STOPPED
    assert state_of(crashed) is State.CRASHED
    assert state_of(unsaved) is State.CRASHED
    with crashed.metrics_file.open("a") as file:
        file.write('{"step": 9999, "wall')
    assert inspect_run(crashed).done == 700


def test_a_run_is_empty_before_it_has_done_a_step(tmp_path):
    run = RunFolder.create("a", (write_run(tmp_path, "b").config_file).read_text(), root=tmp_path)
    assert state_of(run) is State.EMPTY
    assert inspect_run(run).score is None


def test_a_run_is_running_as_long_as_its_lock_is_held(tmp_path):
    run = begun(tmp_path, "a", 100)
    files = sorted(tmp_path.rglob("*"))
    assert not is_at_work(run)
    assert sorted(tmp_path.rglob("*")) == files, "looking leaves no lock"
    with run.lock():
        assert state_of(run) is State.RUNNING
        assert state_of(run) is State.RUNNING, "looking does not take the lock away"
    assert state_of(run) is State.CRASHED
    add_pretraining(run)
    with run.pretraining.lock():
        assert state_of(run) is State.RUNNING


def test_a_pretraining_counts_updates(tmp_path):
    text = (
        write_run(tmp_path, "a").config_file.read_text().replace("updates: 200000", "updates: 200")
    )
    alone = RunFolder.create("alone", text, root=tmp_path)
    write_pretraining(alone, (0.2, 0.4), 200)
    checkpoint(alone, 200)
    info = inspect_run(alone)
    assert (info.state, info.part, info.done, info.total) == (
        State.FINISHED, "pretraining", 200, 200
    )  # fmt: skip
    first = RunFolder.create("first", text, root=tmp_path)
    add_pretraining(first)
    checkpoint(first.pretraining, 200)
    info = inspect_run(first)
    assert (info.state, info.part, info.done) == (State.STOPPED, "pretraining", 200)
    checkpoint(first, 300)
    write_metrics(first, [{"step": 300, "wall_time": 60.0}])
    write_metrics(first.pretraining, [{"step": 200, "wall_time": 30.0}])
    info = inspect_run(first)
    assert (info.state, info.part, info.done, info.seconds) == (
        State.STOPPED, "interaction", 300, 90.0
    )  # fmt: skip


@pytest.mark.parametrize(
    ("file", "text"), [("config.yaml", "steps: many\n"), ("eval/1000.json", '{"tasks": ')]
)
def test_a_run_that_cannot_be_read_is_damaged(tmp_path, file, text):
    run = write_run(tmp_path, "a")
    (run.path / file).write_text(text)
    info = inspect_run(run)
    assert info.state is State.DAMAGED
    assert info.problem is not None
    assert "\n" not in info.problem
    assert details(info).lines["state"] == "damaged"


def test_names_of_one_file_count_once_and_holes_do_not(tmp_path):
    run = write_run(tmp_path, "a")
    checkpoint(run, 1000)
    assert 20_000 <= disk_bytes(run.checkpoints) < 40_000
    hole = tmp_path / "hole"
    with hole.open("wb") as file:
        file.truncate(50_000_000)
    assert disk_bytes(hole) < 1_000_000


def test_details_name_the_scores_and_what_takes_room(tmp_path):
    run = write_run(tmp_path, "a")
    checkpoint(run, 1000)
    found = details(inspect_run(run))
    assert found.scores == pytest.approx({"walker-walk": 0.6, "pygame-pong": 0.5})
    assert found.evaluations == pytest.approx({0: 0.15, 1000: 0.55})
    assert [path.name for path in found.checkpoints] == ["last.pt", "step_000001000.pt"]
    assert found.sizes["checkpoints"] >= 20_000
    assert found.lines["  walker-walk "] == "0.600"


def test_of_a_finished_run_replay_and_step_files_can_go(tmp_path):
    run = write_run(tmp_path, "a")
    older, newest = checkpoint(run, 500), checkpoint(run, 1000)
    run.replay.mkdir()
    (run.replay / "obs.bin").write_bytes(os.urandom(9000))
    items = find_useless([run], list(KINDS))
    assert {item.path: item.kind for item in items} == {run.replay: "replay", older: "checkpoints"}
    assert all(item.bytes >= 8192 for item in items)
    assert delete(items) == items
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["last.pt", newest.name]
    assert not run.replay.exists()
    assert state_of(run) is State.FINISHED
    assert find_useless([run], list(KINDS)) == []


@pytest.mark.parametrize("kind", ["running", "stopped", "crashed"])
def test_of_other_runs_nothing_goes_but_what_killed_writers_left(tmp_path, kind):
    run = begun(tmp_path, "a", 100, 700)
    checkpoint(run, 100, last=False)
    checkpoint(run, 700 if kind == "stopped" else 500)
    run.replay.mkdir()
    left, fresh = run.path / "eval/.9.json.a.newt-tmp", run.path / ".x.newt-tmp"
    left.parent.mkdir(exist_ok=True)
    left.touch()
    fresh.touch()
    old(left)
    if kind == "running":
        with run.lock():
            assert find_useless([run], list(KINDS)) == []
    else:
        assert [item.path for item in find_useless([run], list(KINDS))] == [left]


def test_empty_runs_and_drafts_go_once_they_are_old(tmp_path):
    text = write_run(tmp_path, "b").config_file.read_text()
    run, draft = RunFolder.create("a", text, root=tmp_path), tmp_path / ".new-run.1"
    draft.mkdir()
    assert find_useless([run], list(KINDS), tmp_path) == []
    old(run.path, draft)
    items = find_useless([run], list(KINDS), tmp_path)
    assert {item.path: item.kind for item in items} == {run.path: "empty", draft: "leftovers"}
    delete(items)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b"]


def test_a_run_that_somebody_went_to_work_in_is_left_alone(tmp_path):
    run = write_run(tmp_path, "a")
    checkpoint(run, 1000)
    run.replay.mkdir()
    items = find_useless([run], ["replay"])
    with run.lock():
        assert delete(items) == []
    assert run.replay.is_dir()


def test_a_disk_that_refuses_is_one_line(tmp_path, monkeypatch):
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    run = write_run(tmp_path, "a")
    checkpoint(run, 1000)
    run.replay.mkdir()
    monkeypatch.setattr(clean.shutil, "rmtree", refuse)
    with pytest.raises(RunFolderError, match=r"cannot delete .*/a/replay: Permission denied\."):
        delete(find_useless([run], ["replay"]))


def test_a_kind_that_is_none_has_one_that_is_near():
    assert require_kinds("replay, empty") == ["replay", "empty"]
    with pytest.raises(ConfigError, match="Did you mean 'replay'"):
        require_kinds("replays")
    with pytest.raises(ConfigError, match="say what to clean"):
        require_kinds(",")


def test_evaluations_of_steps_that_were_given_up_do_not_finish_a_run(tmp_path):
    run = begun(tmp_path, "a", 900)
    run.write_evaluation(1000, {"step": 1000, **evaluation(0.5)})
    checkpoint(run, 900)
    assert state_of(run) is State.CRASHED
