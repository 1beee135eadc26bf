"""A run goes on with all that it was, or says what is missing and changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from newt_core.files import write_text
from newt_core.specs import load_specs
from newt_core.training.checkpoint_folder import CheckpointFolder
from newt_core.training.resume import run_settings
from newt_core.training.run_folder import RunFolder
from tests.fixtures.contents import payload_of

START = "newt train --tasks walker-run --preset smoke --device cpu --run a --seed 3"
RESUME = "newt train --run a --resume"


@pytest.fixture
def run(newt, core) -> RunFolder:
    """A run with two checkpoints, the newer of which counts on five episodes."""
    assert newt(START).code == 0
    folder = RunFolder(Path("runs/a"))
    checkpoints = CheckpointFolder(folder.checkpoints, 3)
    for step in (400, 500):
        payload = payload_of(
            run_settings(folder),
            load_specs().select("walker-run"),
            counters={"steps": step, "updates": 0},
            replay={"next_sequence": 6, "episodes": torch.zeros(5, 4, dtype=torch.int64)},
        )
        checkpoints.save(step, payload)
    write_text(folder.replay / "replay.json", "{}")
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file's, but for the lock's."""
    return {path: path.read_bytes() for path in folder.rglob("[!.]*") if path.is_file()}


def refused(newt, core, run: RunFolder, line: str = RESUME) -> str:
    """What is said where a run does not go on, without a trace of the try."""
    before = contents(run.path)
    core.calls.clear()
    answer = newt(line)
    assert answer.code == 2
    assert len(answer.err.splitlines()) <= 2
    assert not core.calls
    assert contents(run.path) == before
    return answer.err


def test_complete_it_goes_on_without_a_remark(newt, core, run):
    answer = newt(RESUME)
    assert (answer.code, answer.err) == (0, "")


def test_deleted_checkpoints_are_missed(newt, core, run):
    shutil.rmtree(run.checkpoints)
    said = refused(newt, core, run)
    assert "step_000000500.pt is missing" in said
    assert "Put them back, or start another run with --run NAME" in said
    run.checkpoints.mkdir()  # the files alone
    assert "step_000000500.pt is missing" in refused(newt, core, run)


def test_the_newest_checkpoint_is_missed_and_the_one_before_is_taken(newt, core, run):
    (run.checkpoints / "step_000000500.pt").unlink()
    answer = newt(RESUME)
    assert answer.code == 0
    assert "warning: passed over a damaged checkpoint: " in answer.err
    assert "step_000000500.pt is missing" in answer.err
    assert ".py" not in answer.err  # the place in the code


def test_a_checkpoint_with_another_ones_content_is_passed_over(newt, core, run):
    shutil.copy(run.checkpoints / "step_000000400.pt", run.checkpoints / "step_000000500.pt")
    answer = newt(RESUME)
    assert answer.code == 0
    assert "step_000000500.pt: it is another file's content: its steps are 400" in answer.err


def test_a_deleted_replay_is_missed_and_can_be_done_without(newt, core, run):
    shutil.rmtree(run.replay)
    said = refused(newt, core, run)
    assert "runs/a/replay is missing" in said
    assert "counts on 5 episodes" in said
    assert "--no-save-replay" in said
    assert newt(f"{RESUME} --no-save-replay").code == 0
    config = core.arguments("train")["config"]
    assert (config.replay.on_disk, config.replay.memory) == (False, "ram")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("seed: 3", "seed: 7", "seed is 7 there, 3 in the checkpoint"),
        ("capacity: 10000", "capacity: 60000", "replay.capacity is 60000 there, 10000 in the"),
    ],
)
def test_settings_that_the_run_did_not_begin_with_are_refused(newt, core, run, before, after, said):
    text = run.config_file.read_text()
    assert before in text
    run.config_file.write_text(text.replace(before, after))
    assert said in refused(newt, core, run)
    run.config_file.unlink()
    assert newt(RESUME).code == 0
    assert run.config_file.read_text() == text


def test_settings_that_may_have_changed_are_told(newt, core, run):
    text = run.config_file.read_text()
    run.config_file.write_text(text.replace("keep: 3", "keep: 5"))
    answer = newt(RESUME)
    assert answer.code == 0
    assert "config.yaml was changed: checkpoint.keep is 5 there, 3 in the checkpoint" in answer.err
