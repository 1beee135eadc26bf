"""Evaluate a finished run and keep what it showed as one JSON file.

    python benchmarks/record.py runs/walker-stand-1 --episodes 10 \
        --out benchmarks/results/single-walker-stand-1.json

The file holds the command, commit, hardware, seed, wall time, the learning curve (the run's own
evaluations and training returns), a final evaluation of last.pt and one of random actions.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
import yaml

from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.specs import load_specs
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.version import git_version
from newt_core.workflows.evaluate import EvaluationRequest, evaluate_checkpoint, evaluate_random


def training_returns(rows: list[dict[str, Any]]) -> dict[str, list[list[float]]]:
    """Task → [step, mean return of the training episodes that ended since the last row]."""
    curves: dict[str, list[list[float]]] = {}
    for row in rows:
        for name, value in row.items():
            if name.startswith("train/return/") and value is not None:
                task = name.removeprefix("train/return/")
                curves.setdefault(task, []).append([row["step"], round(value, 2)])
    return curves


def record(run: Path, episodes: int, command: str, note: str, trained_at: str) -> dict[str, Any]:
    """Return the document."""
    folder = RunFolder(run)
    config = yaml.safe_load(folder.config_file.read_text(encoding="utf-8"))
    rows = read_metrics(folder.metrics_file)
    started = time.monotonic()
    library = load_specs()
    final = evaluate_checkpoint(
        EvaluationRequest(folder.checkpoints / "last.pt", None, episodes, seeds=(1,)),
        library=library,
    )
    random = evaluate_random(config["tasks"], episodes, seeds=(1,), library=library)
    return {
        "command": command,
        "commit": trained_at or git_version(),
        "hardware": describe_hardware(),
        "seed": config["seed"],
        # A pretraining's rows count updates, and it makes no decisions.
        "decisions": rows[-1]["step"] if "updates" in rows[-1] else 0,
        "updates": rows[-1].get("updates", rows[-1]["step"]),
        "train_wall_s": rows[-1]["wall_time"],
        "evaluation_wall_s": round(time.monotonic() - started, 1),
        "note": note,
        "final": final.to_json(),
        "random": random.to_json(),
        "evaluations": {
            step: {task: result["return"] for task, result in document["tasks"].items()}
            for step, document in folder.read_evaluations().items()
        },
        "training_returns": training_returns(rows),
        "config": config,
    }


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--command", default="", help="the command that trained the run")
    parser.add_argument("--commit", default="", help="the commit that trained it")
    parser.add_argument("--note", default="", help="what else a reader should know")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    document = record(
        arguments.run, arguments.episodes, arguments.command, arguments.note, arguments.commit
    )
    write_json(arguments.out, document)
    sys.stderr.write(f"{arguments.out}: {json.dumps(document['final']['tasks'])}\n")


if __name__ == "__main__":
    main()
