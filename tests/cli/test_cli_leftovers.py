"""What fails leaves nothing behind, and a full disk is called by its name."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from newt_core import files
from newt_core.errors import EnvironmentFailure
from newt_core.specs import load_specs
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.run_folder import RunFolder
from tests.fixtures.demonstrations import write_demos

START = "newt train --tasks walker-run --preset smoke --device cpu --run a --runs-dir new/runs"


@pytest.mark.parametrize(
    "line",
    [
        "newt demos import nowhere.pt --task walker-run --out new/demos",
        "newt demos import broken.pt --task walker-run --out new/demos",
        "newt demos export broken.h5 --out new/exported",
        "newt demos export broken.h5 --format published --out new/exported",
        "newt demos merge broken.h5 --out new/all.h5",
        "newt demos plot broken.h5 --out new/all.png",
        "newt collect-demos --task walker-run --expert nowhere.pt --out new/demos",
        "newt collect-demos --task walker-run --expert broken.pt --out new/demos",
        "newt render broken.pt --task walker-run --video new/film.mp4",
        "newt tasks embed walker-run --encoder file --plot new/plot.png",
        "newt tasks show nothing --render new/picture.png",
        f"{START} --pretrained broken.pt",
        f"{START} --demos nowhere",
        f"{START} --set replay.capacity=100",
        START.replace("--run a", f"--run {'b' * 200}"),
        "newt pretrain --tasks walker-run --demos nowhere --runs-dir new/runs",
    ],
)
def test_a_wrong_input_makes_no_folder(newt, line):
    for name in ("broken.pt", "broken.h5"):
        Path(name).write_bytes(b"neither this nor that")
    answer = newt(line)
    assert answer.code in (1, 2), answer.err
    assert answer.err.count("\n") <= 2
    assert sorted(os.listdir()) == ["broken.h5", "broken.pt"]


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("newt demos export pygame-cowboy --out new", "new/newt/pygame-cowboy-v1"),
        ("newt demos export pygame-cowboy --format published --out new", "new/pygame-cowboy.pt"),
        ("newt demos merge demos/pygame-cowboy.h5 --out new/all.h5", "new/all.h5"),
        (START, "new/runs"),
    ],
)
def test_a_full_disk_is_named_with_the_file(newt, monkeypatch, line, file):
    write_demos(Path("demos"), spec=load_specs()["pygame-cowboy"])

    def refuse(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_flush_file", refuse)
    answer = newt(line)
    assert answer.code == 1
    assert "No space left on device" in answer.err
    assert file in answer.err
    assert answer.err.count("\n") == 1 + answer.err.startswith("forecast: ")
    assert not Path("new").exists()


def test_a_run_that_never_began_does_not_block_its_name(newt, core):
    def fail(**arguments: object) -> None:
        raise EnvironmentFailure("task 'walker-run' cannot be built.")

    core.while_training = fail
    line = START.replace("new/runs", "runs")
    answer = newt(line)
    assert answer.code == 1
    assert answer.err.splitlines()[-1] == "error: task 'walker-run' cannot be built."
    assert not Path("runs/a").exists()
    core.while_training = lambda **arguments: None
    assert newt(line).code == 0


def test_a_run_that_was_saved_stays_and_says_how_to_go_on(newt, core):
    def fail(folder: RunFolder, **arguments: object) -> None:
        folder.checkpoints.mkdir()
        save_checkpoint(folder.checkpoints / "last.pt", {})
        raise EnvironmentFailure("task 'walker-run' failed 3 times.")

    core.while_training = fail
    answer = newt(START)
    assert answer.code == 1
    assert answer.err.splitlines()[1:] == [
        "error: task 'walker-run' failed 3 times.",
        "Go on with: newt train --run new/runs/a --resume",
    ]
