import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from newt_core.errors import CheckpointError, ConfigError
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.checkpoint_folder import CheckpointFolder, latest_intact, step_files


def steps(folder: Path) -> list[int]:
    return [step for step, _ in step_files(folder)]


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()  # Other names of the file stay whole.
    path.write_bytes(content[: len(content) // 2])


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "checkpoints", keep=2)


def test_the_newest_stay_and_steps_count_as_numbers(folder):
    for step in (900, 1_000, 2_000_000_000):
        folder.save(step, {"step": step})
    assert steps(folder.folder) == [2_000_000_000, 1_000]
    assert latest_intact(folder.folder).payload == {"step": 2_000_000_000}


def test_last_and_best_are_whole_files_of_their_own(folder):
    folder.save(1, {"step": 1}, best=True)
    for step in (2, 3, 4):
        folder.save(step, {"step": step})
    assert load_checkpoint(folder.folder / "last.pt") == {"step": 4}
    # The file of step 1 is gone, its content is not.
    assert load_checkpoint(folder.folder / "best.pt") == {"step": 1}


def test_saving_a_step_again_replaces_it_everywhere(folder):
    folder.save(1, {"value": "old"}, best=True)
    folder.save(1, {"value": "new"}, best=True)
    for path in folder.folder.iterdir():
        assert load_checkpoint(path) == {"value": "new"}
    assert sorted(os.listdir(folder.folder)) == ["best.pt", "last.pt", "step_000000001.pt"]


def test_without_hard_links_names_are_copies(folder, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", refuse)
    folder.save(5, {"step": 5}, best=True)
    assert load_checkpoint(folder.folder / "last.pt") == {"step": 5}
    assert load_checkpoint(folder.folder / "best.pt") == {"step": 5}


def test_a_damaged_newest_one_is_passed_over_and_named(folder):
    folder.save(1, {"step": 1})
    newest = folder.save(2, {"step": 2})
    damage(newest)
    found = latest_intact(folder.folder)
    assert found.payload == {"step": 1}
    assert found.path.name == "step_000000001.pt"
    assert len(found.skipped) == 1
    assert str(newest) in found.skipped[0]


def test_going_on_from_an_earlier_one_gives_up_the_later(folder):
    folder.keep = 1
    for step in (1, 2):
        CheckpointFolder(folder.folder, keep=2).save(step, {"step": step})
    damage(folder.folder / "step_000000002.pt")
    # Resumed at 1, the run comes to 1.5 thousand: the damaged 2 must not count as newest.
    folder.save(1, {"step": 1, "again": True})
    assert steps(folder.folder) == [1]
    assert latest_intact(folder.folder).payload == {"step": 1, "again": True}


def test_a_folder_with_last_alone_is_enough(folder):
    folder.save(3, {"step": 3}).unlink()
    found = latest_intact(folder.folder)
    assert (found.path.name, found.payload) == ("last.pt", {"step": 3})


def test_no_checkpoint_and_none_intact(folder):
    with pytest.raises(CheckpointError, match="there is no checkpoint in"):
        latest_intact(folder.folder)
    damage(folder.save(1, {"step": 1}))
    damage(folder.folder / "last.pt")
    with pytest.raises(CheckpointError, match=r"none of the checkpoints .* can be read: .*not a"):
        latest_intact(folder.folder)


def test_leftovers_of_a_killed_writer_go_with_the_next_save(folder):
    folder.save(1, {"step": 1})
    leftover = folder.folder / ".step_000000002.pt.0123.newt-tmp"
    leftover.write_bytes(b"half")
    assert latest_intact(folder.folder).payload == {"step": 1}
    folder.save(2, {"step": 2})
    assert not leftover.exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot write"):
        CheckpointFolder(tmp_path / "file" / "checkpoints", keep=1).save(1, {})


def test_keeping_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="at least one"):
        CheckpointFolder(tmp_path, keep=0)


KEEPS_SAVING = """
import sys, torch
from pathlib import Path
from newt_core.training.checkpoint_folder import CheckpointFolder
folder, step = CheckpointFolder(Path(sys.argv[1]), keep=2), 0
while True:
    step += 1
    folder.save(step, {"step": step, "weights": torch.full((500_000,), float(step))}, best=True)
    print(step, flush=True)
"""


def test_a_process_killed_while_saving_leaves_an_intact_checkpoint(tmp_path):
    for delay in (0.0, 0.013):
        process = subprocess.Popen(
            [sys.executable, "-c", KEEPS_SAVING, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        reached = int([process.stdout.readline() for _ in range(3)][-1])
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()

        found = latest_intact(tmp_path)
        assert found.skipped == ()
        assert found.payload["step"] >= reached
        for name in ("last.pt", "best.pt"):
            payload = load_checkpoint(tmp_path / name)
            assert torch.all(payload["weights"] == payload["step"])
