"""The commands as a user types them, nothing replaced: train, stop, go on, evaluate."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAIN = "train --tasks cartpole-balance --preset smoke --device cpu --run a --json"


def start(arguments: str, folder: Path) -> subprocess.Popen[str]:
    """Start `newt` in a folder, one thread per process."""
    return subprocess.Popen(
        [sys.executable, "-m", "newt_cli", *arguments.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("worker_processes")
def test_a_run_is_stopped_resumed_and_evaluated(tmp_path):
    first = start(f"{TRAIN} --steps 100000 --set evaluation.every=0", tmp_path)
    assert first.stderr is not None
    for line in first.stderr:
        if "steps/s" in line:  # it has begun
            break
    first.send_signal(signal.SIGTERM)
    out, err = first.communicate(timeout=120)
    assert first.returncode == 130, err
    assert "--resume" in err
    stopped = json.loads(out)

    second = start(f"train --run a --resume --steps {stopped['steps'] + 600} --json", tmp_path)
    out, err = second.communicate(timeout=300)
    assert second.returncode == 0, err
    finished = json.loads(out)
    assert finished["steps"] == stopped["steps"] + 600

    evaluation = start(f"eval {finished['checkpoint']} --episodes 1 --json", tmp_path)
    out, err = evaluation.communicate(timeout=300)
    assert evaluation.returncode == 0, err
    assert 0.0 <= json.loads(out)["score"] <= 1.0

    evaluations = sorted(int(path.stem) for path in (tmp_path / "runs/a/eval").glob("*.json"))
    assert evaluations[-1] == finished["steps"]
    subprocess.run(
        [sys.executable, str(ROOT / "scripts/plot_runs.py"), "runs/a", "--out", "scores.png"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert (tmp_path / "scores.png").stat().st_size > 10_000
