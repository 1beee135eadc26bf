"""Let the scripted players, and random actions, play every MiniArcade task.

    python benchmarks/miniarcade_players.py --out benchmarks/results/miniarcade-players.json

Both play the same episodes. `docs/tasks.md` shows the scores: the players' ones say that every
game can be learnt, the random ones what that is to be compared with.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from newt_core.bench.timing import describe_hardware
from newt_core.envs.pool import make_pool
from newt_core.evaluation import evaluate, random_act, summarise
from newt_core.experts.act import ScriptedAct
from newt_core.files import write_json
from newt_core.specs import TaskSpec, load_specs
from newt_core.version import git_version


def measure(specs: Sequence[TaskSpec], episodes: int, seed: int) -> dict[str, Any]:
    """Return task → who plays → mean return, mean score and its 95 % interval."""
    found: dict[str, Any] = {spec.id: {} for spec in specs}
    with make_pool(specs, seed=seed) as pool:
        actors = {"player": ScriptedAct(specs), "random": random_act(specs, seed)}
        for who, act in actors.items():
            results = evaluate(act, specs, episodes, pool=pool, seed=seed)
            for task, summary in summarise(results, specs, mode=who).tasks.items():
                found[task][who] = {
                    "return": round(summary.mean_return, 2),
                    "score": round(summary.score, 4),
                    "ci95": None if summary.ci95 is None else round(summary.ci95, 4),
                }
                sys.stderr.write(f"{task}: {who} {found[task][who]['score']}\n")
    return found


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", default="pygame-*")
    arguments = parser.parse_args()
    started = time.monotonic()
    tasks = measure(load_specs().select(arguments.tasks), arguments.episodes, arguments.seed)
    document = {
        "command": "python benchmarks/miniarcade_players.py "
        f"--episodes {arguments.episodes} --seed {arguments.seed}",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "seed": arguments.seed,
        "episodes": arguments.episodes,
        "wall_s": round(time.monotonic() - started, 1),
        "tasks": tasks,
    }
    write_json(arguments.out, document)
    sys.stderr.write(f"wrote {arguments.out}\n")


if __name__ == "__main__":
    main()
