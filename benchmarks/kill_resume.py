"""Kill -9 a training run at random moments and go on with it, over and over.

    python benchmarks/kill_resume.py --kills 10 --out benchmarks/results/kill-resume.json

After every kill the newest checkpoint has to load, metrics.jsonl to be whole but for its last
line, and the resumed run to start from no earlier than one checkpoint interval before the kill.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.training.checkpoint_folder import latest_intact
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.version import git_version

INTERVAL = 200
"""Agent steps between checkpoints."""
START = (
    "train --tasks cartpole-balance,walker-stand --preset smoke --steps 1000000 --run kills "
    f"--set checkpoint.every={INTERVAL} --set evaluation.every=0 --set random_phase.episodes=0 "
    "--set update.updates_per_step=0.05"
)
RESUME = "train --run kills --resume"


def seen_steps(folder: RunFolder) -> int:
    """The last step that the run is known to have reached."""
    rows = read_metrics(folder.metrics_file) if folder.metrics_file.exists() else []
    return max((int(row["step"] or 0) for row in rows), default=0)


def kill_once(arguments: str, cwd: Path, delay: float) -> float:
    """Start newt, wait until it trains, kill it after ``delay`` seconds; return seconds alive."""
    folder = RunFolder(cwd / "runs" / "kills")
    before = folder.metrics_file.stat().st_mtime if folder.metrics_file.exists() else 0.0
    process = subprocess.Popen(
        [sys.executable, "-m", "newt_cli", *arguments.split()],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )
    started = time.monotonic()
    # A resumed run rewrites the metrics when it has restored everything.
    while not folder.metrics_file.exists() or folder.metrics_file.stat().st_mtime <= before:
        if process.poll() is not None:
            error = process.stderr.read().decode() if process.stderr else ""
            raise SystemExit(f"the run ended by itself: {error}")
        time.sleep(0.05)
    time.sleep(delay)
    if process.poll() is not None:
        error = process.stderr.read().decode() if process.stderr else ""
        raise SystemExit(f"the run ended by itself: {error}")
    process.send_signal(signal.SIGKILL)
    process.wait()
    return time.monotonic() - started


def main() -> None:
    """Kill, check, resume, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    kills: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        cwd = Path(name)
        folder = RunFolder(cwd / "runs" / "kills")
        for number in range(options.kills):
            delay = rng.uniform(0.0, 25.0)
            alive = kill_once(RESUME if number else START, cwd, delay)
            reached = seen_steps(folder)
            whole = folder.metrics_file.read_bytes().splitlines()[:-1]
            saved, damaged = 0, 0
            if any(folder.checkpoints.glob("*.pt")):
                found = latest_intact(folder.checkpoints)
                saved = int(found.payload["counters"]["steps"])
                damaged = len(found.skipped)
            kills.append(
                {
                    "alive_s": round(alive, 1),
                    "reached": reached,
                    "checkpoint": saved,
                    "lost_steps": max(0, reached - saved),
                    "damaged_checkpoints": damaged,
                    "whole_metric_lines": sum(bool(json.loads(line)) for line in whole),
                }
            )
            sys.stderr.write(f"kill {number + 1}: {kills[-1]}\n")
        target = kills[-1]["checkpoint"] + 2 * INTERVAL
        subprocess.run(
            [sys.executable, "-m", "newt_cli", *RESUME.split(), "--steps", str(target)],
            cwd=cwd,
            check=True,
        )
        final = int(latest_intact(folder.checkpoints).payload["counters"]["steps"])
    write_json(
        options.out,
        {
            "command": f"python benchmarks/kill_resume.py --kills {options.kills}",
            "commit": git_version(),
            "hardware": describe_hardware(),
            "seed": options.seed,
            "run": START,
            "checkpoint_interval": INTERVAL,
            "kills": kills,
            "worst_loss": max(kill["lost_steps"] for kill in kills),
            "finished_at": final,
        },
    )


if __name__ == "__main__":
    main()
