import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from newt_core.errors import RunFolderError
from newt_core.training.run_folder import RunFolder, list_runs
from newt_core.training.run_name import LONGEST_NAME, run_label


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def touch(path: Path, seconds: float) -> None:
    os.utime(path, (seconds, seconds))


def test_a_new_run_has_its_settings_and_the_documented_layout(root):
    run = RunFolder.create("first", "seed: 1\n", root=root)
    assert run.path == root / "first"
    assert run.config_file.read_text() == "seed: 1\n"
    names = {
        run.checkpoints: "checkpoints",
        run.replay: "replay",
        run.metrics_file: "metrics.jsonl",
        run.starts: "starts.json",
        run.tensorboard: "tb",
        run.evaluations: "eval",
        run.videos: "videos",
        run.report: "report.html",
        run.pretraining.path: "pretraining",
    }
    assert all(path == run.path / name for path, name in names.items())
    assert [path.name for path in root.iterdir()] == ["first"]


def test_a_name_of_its_own_says_when_and_what_and_counts_on(root):
    label = run_label("walker-run", "cpu")
    names = [RunFolder.create(None, "", label=label, root=root).name for _ in range(3)]
    base = f"{date.today().isoformat()}_walker-run_cpu"
    assert names == [base, f"{base}-2", f"{base}-3"]


@pytest.mark.parametrize(
    ("tasks", "label"),
    [
        ("all", "all"),
        ("walker-*,cartpole-balance", "walker-cartpole-balance"),
        ("@lists/my tasks.txt", "lists-my-tasks-txt"),
        ("*", "tasks"),
        ("a" * 100, "a" * 40),
        (f"{'a' * 39},b", "a" * 39),
    ],
)
def test_labels_are_short_and_safe_in_a_path(tasks, label):
    assert run_label(tasks, None) == label
    assert run_label(tasks, "cpu") == f"{label}_cpu"


def test_an_existing_run_is_not_reused_and_stays_as_it_is(root):
    run = RunFolder.create("mine", "seed: 1\n", root=root)
    with pytest.raises(RunFolderError, match=r"already exists.*--resume.*another --run"):
        RunFolder.create("mine", "seed: 2\n", root=root)
    assert run.config_file.read_text() == "seed: 1\n"
    assert [path.name for path in root.iterdir()] == ["mine"]


def test_somebody_elses_folder_is_not_taken_but_an_empty_one_is(root):
    (root / "data").mkdir(parents=True)
    assert RunFolder.create("data", "", root=root).config_file.exists()
    (root / "photos").mkdir()
    (root / "photos" / "cat.png").touch()
    with pytest.raises(RunFolderError, match="is not a run"):
        RunFolder.create("photos", "", root=root)
    (root / "file").touch()
    with pytest.raises(RunFolderError, match="is not a run"):
        RunFolder.create("file", "", root=root)


@pytest.mark.parametrize("name", ["", "..", "a/b", "/tmp/x", ".hidden", "a b", "-x"])
def test_names_that_lead_elsewhere_are_refused(root, name):
    with pytest.raises(RunFolderError, match=f"cannot name a run: .* is made in {root}/"):
        RunFolder.create(name, "", root=root)
    assert not root.exists()


@pytest.mark.parametrize("name", ["a" * 101, "a" * 300, "a\0b", "a\x1b[31mb", "run\n", "ä", "日本"])
def test_impossible_names_are_refused_before_anything_is_made(root, name):
    with pytest.raises(RunFolderError, match="cannot name a run") as error:
        RunFolder.create(name, "", root=root)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300
    assert not root.parent.joinpath("runs").exists()


def test_the_longest_name_is_one(root):
    assert RunFolder.create("a" * LONGEST_NAME, "", root=root).config_file.exists()


def test_a_start_that_fails_takes_back_the_folders_it_made(tmp_path, monkeypatch):
    def refuse(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("newt_core.training.run_folder.write_text", refuse)
    with pytest.raises(RunFolderError, match="No space left on device"):
        RunFolder.create("a", "", root=tmp_path / "new/runs")
    assert not (tmp_path / "new").exists()


def test_a_run_that_came_to_nothing_frees_its_name(root):
    run = RunFolder.create("a", "seed: 1\n", root=root)
    run.replay.mkdir()
    run.metrics_file.touch()
    run.discard_if_unused()
    assert not run.path.exists()
    for used in ("checkpoints/last.pt", "eval/0.json", "metrics.jsonl"):
        run = RunFolder.create("a", "seed: 1\n", root=root)
        (run.path / used).parent.mkdir(exist_ok=True)
        (run.path / used).write_text("something")
        run.discard_if_unused()
        assert run.config_file.exists(), used
        shutil.rmtree(run.path)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "runs").write_text("a file in the way")
    with pytest.raises(RunFolderError, match="runs is a file: --runs-dir names the folder"):
        RunFolder.create("a", "", root=tmp_path / "runs")
    with pytest.raises(RunFolderError, match="cannot make a run folder"):
        RunFolder.create("a", "", root=tmp_path / "runs/below")


def test_opening_by_name_and_by_path(root, tmp_path, monkeypatch):
    made = RunFolder.create("walker", "", root=root)
    assert RunFolder.open("walker", root=root) == made
    assert RunFolder.open(str(root / "walker")).path == made.path
    monkeypatch.chdir(tmp_path)
    RunFolder.create("walker", "", root=Path())
    assert RunFolder.open("walker", root=root) == made, "a name means a run of the folder of runs"
    (root / ".new-run.0123").mkdir()  # what is left of a run that was killed in its first moment
    (root / ".new-run.0123/config.yaml").touch()
    assert list_runs(root) == [made]


def test_opening_what_is_not_there(root):
    with pytest.raises(RunFolderError, match="there is no run 'walker'"):
        RunFolder.open("walker", root=root)
    RunFolder.create("walker-long", "", root=root)
    with pytest.raises(RunFolderError) as error:
        RunFolder.open("walker-lon", root=root, advice="Make one.")
    assert str(error.value) == (
        f"there is no run 'walker-lon' in {root}/. Did you mean 'walker-long'? Make one."
    )
    (root / "other").mkdir()
    with pytest.raises(RunFolderError, match=r"not a run: it has no config\.yaml"):
        RunFolder.open("other", root=root)


def test_the_newest_run_is_the_one_last_at_work(root):
    with pytest.raises(RunFolderError, match="'newt train' starts one"):
        RunFolder.newest(root=root)
    first = RunFolder.create("b", "", root=root)
    second = RunFolder.create("a", "", root=root)
    touch(first.config_file, 1000)
    touch(second.config_file, 2000)
    assert RunFolder.newest(root=root) == second
    first.metrics_file.touch()  # Resumed today.
    assert RunFolder.newest(root=root) == first
    second.checkpoints.mkdir()
    touch(first.metrics_file, 3000)
    touch(second.checkpoints, 4000)
    assert RunFolder.newest(root=root) == second
    touch(second.path, 1)
    touch(first.path, 5000)  # Somebody put a note there, say.
    assert RunFolder.newest(root=root) == second
    assert [run.name for run in list_runs(root)] == ["a", "b"]


def test_evaluations_are_kept_by_step_and_dropped_beyond_a_checkpoint(root):
    run = RunFolder.create("a", "", root=root)
    assert run.read_evaluations() == {}
    for step in (1000, 0, 200):
        run.write_evaluation(step, {"score": step / 1000, "success": float("nan")})
    (run.evaluations / "notes.json").write_text("mine")
    assert list(run.read_evaluations()) == [0, 200, 1000]
    assert json.loads((run.path / "eval" / "200.json").read_text()) == {
        "score": 0.2,
        "success": None,
    }
    run.discard_evaluations_after(200)
    assert list(run.read_evaluations()) == [0, 200]
    assert (run.evaluations / "notes.json").exists()
    blocked = RunFolder.create("b", "", root=root)
    blocked.evaluations.touch()
    with pytest.raises(RunFolderError, match=r"cannot write .*eval/7\.json: "):
        blocked.write_evaluation(7, {})


LOCKS_AND_WAITS = """
import sys, time
from pathlib import Path
from newt_core.training.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    time.sleep(60)
"""


def test_two_processes_cannot_train_in_one_run_and_a_killed_one_lets_go(root):
    run = RunFolder.create("a", "", root=root)
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKS_AND_WAITS, str(run.path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with (
            pytest.raises(RunFolderError, match=f"trained in by process {process.pid}"),
            run.lock(),
        ):
            raise AssertionError("both have the lock")
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with run.lock():
        assert (run.path / ".lock").read_text() == f"process {os.getpid()}\n"
    with run.lock():  # Given back at the end of the block.
        pass


def test_a_lock_in_a_folder_that_is_gone(root):
    with pytest.raises(RunFolderError, match="cannot write in"), RunFolder(root / "gone").lock():
        pass
