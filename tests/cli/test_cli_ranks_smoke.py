"""Several ranks as a user starts them, nothing replaced: killed, restarted, gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.metrics import read_metrics
from newt_core.training.rank_states import saved_ranks
from tests.fixtures.short_tasks import SPECS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parents[2]
SETTINGS = (
    "update.updates_per_step=0.2",
    "evaluation.every=0",
    "evaluation.episodes=1",
    "checkpoint.every=20",
    "replay.capacity=4000",
)
TRAIN = (
    "train --tasks short-balance,short-reach --specs specs --preset smoke --run a "
    "--envs-per-task 2 " + " ".join(f"--set {each}" for each in SETTINGS)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/short.yaml").write_text(SPECS)
    return tmp_path


def start(words: str, folder: Path, *python: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *(python or ("newt_cli",)), *words.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(words: str, folder: Path, *python: str) -> tuple[int, str, str]:
    process = start(words, folder, *python)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def wait_for_a_checkpoint(process: subprocess.Popen[str], folder: Path) -> None:
    deadline = time.monotonic() + 300
    while not any((folder / "runs/a/checkpoints").glob("step_*.pt")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rank_process(launcher: int, rank: int) -> int:
    """Return the id of the process that is a rank."""
    for entry in Path("/proc").iterdir():
        try:
            parent = f"PPid:\t{launcher}\n" in (entry / "status").read_text()
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent and f"RANK={rank}".encode() in environment:
            return int(entry.name)
    raise AssertionError("there is no such rank")


def ranks_of(folder: Path) -> int:
    return len(saved_ranks(load_checkpoint(folder / "runs/a/checkpoints/last.pt")))


def test_killed_a_rank_ends_the_job_and_others_go_on_with_it(folder):
    process = start(f"{TRAIN} --steps 4000 --ranks 2", folder)
    wait_for_a_checkpoint(process, folder)
    os.kill(rank_process(process.pid, 1), signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert "error: rank 1 of 2 was ended by SIGKILL." in err
    assert "newt train --run runs/a --resume --ranks 2" in err
    assert "Traceback" not in err
    assert ranks_of(folder) == 2
    before = load_checkpoint(folder / "runs/a/checkpoints/last.pt")["counters"]["steps"]

    code, out, err = done(f"train --run a --resume --steps {before + 40} --json", folder)
    assert code == 0, err
    assert "1 rank instead of 2" in err
    assert json.loads(out)["steps"] == before + 40
    assert ranks_of(folder) == 1
    assert not list((folder / "runs/a/replay").glob("rank-*"))

    line = f"train --run a --resume --steps {before + 80} --ranks 2 --json"
    code, out, err = done(line, folder)
    assert code == 0, err
    assert "2 ranks instead of 1" in err
    assert json.loads(out)["steps"] == before + 80
    assert ranks_of(folder) == 2
    held = read_metrics(folder / "runs/a/metrics.jsonl")[-1]["replay/steps"]
    assert held is not None
    assert held >= before - 2 * 4 * 10, "the episodes of all ranks have come along"


def test_a_job_that_may_restart_goes_on_from_its_last_checkpoint(folder):
    process = start(f"{TRAIN} --steps 400 --ranks 2 --max-restarts 1 --json", folder)
    wait_for_a_checkpoint(process, folder)
    os.kill(rank_process(process.pid, 0), signal.SIGKILL)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert json.loads(out)["steps"] == 400
    steps = [int(row["step"] or 0) for row in read_metrics(folder / "runs/a/metrics.jsonl")]
    assert steps == sorted(set(steps))
    assert len(json.loads((folder / "runs/a/starts.json").read_text())) == 2


def test_a_stop_saves_all_ranks(folder):
    process = start(f"{TRAIN} --steps 100000 --ranks 2 --json", folder)
    wait_for_a_checkpoint(process, folder)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "Stopped and saved. Go on with: newt train --run runs/a --resume --ranks 2" in err
    saved = load_checkpoint(folder / "runs/a/checkpoints/last.pt")
    assert json.loads(out)["steps"] == saved["counters"]["steps"]


def test_torchrun_starts_ranks_too(folder):
    # Without the "--", torchrun would take --run for an option of its own.
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node=2")
    torchrun = (*launcher, "-m", "--", "newt_cli")
    code, out, err = done(f"{TRAIN} --steps 40 --json", folder, *torchrun)
    assert code == 0, err
    assert json.loads(out)["steps"] == 40
    assert ranks_of(folder) == 2
