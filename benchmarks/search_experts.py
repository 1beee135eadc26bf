"""Search for small controllers of tasks that no scripted expert plays, by CMA-ES.

    python benchmarks/search_experts.py --tasks cheetah-jump --minutes 6
    python benchmarks/search_experts.py --jobs 2      # every DMControl task without an expert

A controller is an oscillator with feedback (newt_core/experts/rhythm.py). First each actuator
follows its own oscillator, its own joint and the torso; later all weights are free. What a vector
is worth is its mean score over a few episodes, on seeds that change with each generation. The best
is kept on others, and confirmed on fresh ones; if it is good, it goes into the package.
Stopped and called again, a search goes on until the task has had its minutes. What was tried, and
what it scored, is in benchmarks/results/expert_search.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from typing import Any

from benchmarks.expert_search import State, search
from benchmarks.experts import SEARCHED
from newt_core.bench.timing import describe_hardware
from newt_core.experts.registry import has_player
from newt_core.experts.rhythm import why_not
from newt_core.files import write_json
from newt_core.specs import load_specs
from newt_core.version import git_version


def main() -> None:
    """Parse the command line, search task by task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default="", help="default: DMControl's without an expert")
    parser.add_argument(
        "--minutes", type=float, default=6.0, help="of processor time, for each task in all calls"
    )
    parser.add_argument("--until", type=float, default=0.95, help="a score that is enough")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="tasks at a time")
    arguments = parser.parse_args()
    specs = load_specs().select(arguments.tasks or "dmcontrol,dmcontrol-ext")
    if not arguments.tasks:
        specs = [spec for spec in specs if not has_player(spec) or why_not(spec) is None]
    commit = git_version()
    work = partial(search, seed=arguments.seed, minutes=arguments.minutes, enough=arguments.until)
    try:
        if arguments.jobs == 1:
            for spec in specs:
                _record(work(spec), arguments.seed, commit)
        else:
            with ProcessPoolExecutor(arguments.jobs) as pool:
                for done in as_completed([pool.submit(work, spec) for spec in specs]):
                    _record(done.result(), arguments.seed, commit)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped and saved. The same command goes on.\n")
        sys.exit(130)


def _record(state: State, seed: int, commit: str | None) -> None:
    """Put a row into the results, in the order of the tasks."""
    rows = json.loads(SEARCHED.read_text(encoding="utf-8"))["tasks"] if SEARCHED.exists() else {}
    row: dict[str, Any] = {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in vars(state).items()
        if key != "task"
    }
    rows[state.task] = row | {"seed": seed, "commit": commit}
    ordered = {task: rows[task] for task in load_specs() if task in rows}
    document = {"command": "python benchmarks/search_experts.py", "hardware": describe_hardware()}
    write_json(SEARCHED, document | {"tasks": ordered})
    sys.stderr.write(f"{state.task}: confirmed {state.confirmed}, good: {state.good}\n")


if __name__ == "__main__":
    main()
