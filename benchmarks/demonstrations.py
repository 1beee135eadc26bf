"""What demonstrations are good for: how well they are imitated, how much sooner a task is learned.

    newt pretrain --tasks @starter.txt --preset cpu --run starter --seed 1
    python benchmarks/demonstrations.py imitation runs/starter --out imitation.json

    python benchmarks/demonstrations.py speed --with runs/with-1 runs/with-2 \
        --without runs/without-1 runs/without-2 --out demonstrations.json

The first compares the policy at the end of a pretraining with the experts of its demonstrations.
The second collects the learning curves of runs with and without, and when each task first
reached a score.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from newt_core.bench.timing import describe_hardware
from newt_core.demos.folder import demo_path, summarise_file
from newt_core.files import write_json
from newt_core.reporting.history import read_history
from newt_core.specs import load_specs
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.version import git_version

SHARE = 0.5
"""A task counts as imitated from this share of the expert's score on."""
REACHED = 0.5
"""Score whose first moment is compared."""


def imitation(run: Path) -> dict[str, Any]:
    """Return the pretrained policy's scores beside the experts'."""
    folder = RunFolder(run)
    config = yaml.safe_load(folder.config_file.read_text(encoding="utf-8"))
    evaluations = folder.read_evaluations()
    updates = max(evaluations)
    losses = [row for row in read_metrics(folder.metrics_file) if "loss/cloning" in row]
    tasks = {}
    for task, result in evaluations[updates]["tasks"].items():
        expert = summarise_file(demo_path(Path(config["demos"]), task), load_specs()).score
        tasks[task] = {"policy": result["score"], "expert": expert}
    good = [task for task, pair in tasks.items() if pair["policy"] >= SHARE * pair["expert"]]
    return {
        "updates": updates,
        "batch_size": config["update"]["batch_size"],
        "learning_wall_s": losses[-1]["wall_time"],
        "episodes": config["evaluation"]["episodes"],
        "tasks": tasks,
        "imitated": good,
        "config": config,
    }


def speed(taught: Sequence[Path], alone: Sequence[Path]) -> dict[str, Any]:
    """Return the curves of runs with demonstrations and of those without."""
    return {
        "with": [curves(run) for run in taught],
        "without": [curves(run) for run in alone],
        "score_reached": REACHED,
    }


def curves(run: Path) -> dict[str, Any]:
    """Return a run's scores over agent steps, and when each task was first good."""
    folder = RunFolder(run)
    history = read_history(folder)
    config = yaml.safe_load(folder.config_file.read_text(encoding="utf-8"))
    scores = {
        task: {step: score for step, score, _ in history.curve(task, "score")}
        for task in history.tasks
    }
    document: dict[str, Any] = {
        "run": run.name,
        "seed": config["seed"],
        "updates": read_metrics(folder.metrics_file)[-1]["updates"],
        "train_wall_s": read_metrics(folder.metrics_file)[-1]["wall_time"],
        "scores": scores,
        "first_reached": {
            task: next((step for step, score in points.items() if score >= REACHED), None)
            for task, points in scores.items()
        },
        "config": config,
    }
    part = RunFolder(run).pretraining
    if part.config_file.exists():
        evaluations = part.read_evaluations()
        document["pretraining"] = {
            "updates": max(evaluations),
            "modes": {
                mode: {task: result["score"] for task, result in summary["tasks"].items()}
                for mode, summary in evaluations[max(evaluations)]["modes"].items()
            },
        }
    return document


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("imitation")
    one.add_argument("run", type=Path)
    two = kinds.add_parser("speed")
    two.add_argument("--with", dest="taught", type=Path, nargs="+", required=True)
    two.add_argument("--without", dest="alone", type=Path, nargs="+", required=True)
    for kind in (one, two):
        kind.add_argument("--out", type=Path, required=True)
        kind.add_argument("--command", default="", help="the command that made the runs")
        kind.add_argument("--commit", default="", help="the commit that made them")
        kind.add_argument("--note", default="", help="what else a reader should know")
    arguments = parser.parse_args()
    if arguments.kind == "imitation":
        shown = imitation(arguments.run)
    else:
        shown = speed(arguments.taught, arguments.alone)
    write_json(
        arguments.out,
        {
            "command": arguments.command,
            "commit": arguments.commit or git_version(),
            "hardware": describe_hardware(),
            "note": arguments.note,
            **shown,
        },
    )
    sys.stderr.write(f"{arguments.out}: {json.dumps(shown.get('imitated', 'written'))}\n")


if __name__ == "__main__":
    main()
