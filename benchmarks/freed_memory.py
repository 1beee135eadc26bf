"""What it is worth on a CPU to keep memory that was freed, see `newt_core/allocator.py`.

    OMP_NUM_THREADS=1 python benchmarks/freed_memory.py --out benchmarks/results/freed-memory.json

Rounds of a run by the preset `cpu`, each a plan, a step and a gradient step, timed in processes of
their own that keep freed memory or do not, one after the other in turn. Beside the median times
stand the pages that the system provided for a round, and the most memory that the process took.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.version import git_version

WAYS = ("given back", "kept")
TASK, PRESET = "cartpole-balance", "cpu"


def measure(way: str, calls: int) -> dict[str, float]:
    """Time rounds in this process."""
    from newt_core.allocator import keep_freed_memory

    if way == "kept":
        assert keep_freed_memory(), "this C library cannot be told, or was told already"
    from newt_core.specs import load_specs
    from newt_core.training.config import resolve_config
    from newt_core.workflows.trial_loop import trial_loop

    with trial_loop(resolve_config(PRESET, tasks=TASK), load_specs().select(TASK)) as trial:
        trial.rounds(5)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        round_s = []
        for _ in range(calls):
            began = time.perf_counter()
            trial.rounds(1)
            round_s.append(time.perf_counter() - began)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "round_s": median(round_s),
        "pages_per_round": (used.ru_minflt - before) / calls,
        "peak_bytes": used.ru_maxrss * 1024,
    }


def main() -> None:
    """Parse the command line and measure both ways in turn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repeats", type=int, default=7, help="of both ways")
    parser.add_argument("--calls", type=int, default=60, help="rounds of the run, each time")
    parser.add_argument("--way", choices=WAYS, help="in this process alone, to standard output")
    arguments = parser.parse_args()
    if arguments.way:
        sys.stdout.write(json.dumps(measure(arguments.way, arguments.calls)))
        return
    if arguments.out is None:
        parser.error("--out names the file")
    began = time.monotonic()
    found: dict[str, list[Any]] = {way: [] for way in WAYS}
    for _ in range(arguments.repeats):
        for way in WAYS:
            words = [sys.executable, __file__, "--way", way, "--calls", str(arguments.calls)]
            done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
            found[way].append(json.loads(done.stdout))
    ratios = [
        before["round_s"] / kept["round_s"] for before, kept in zip(*found.values(), strict=True)
    ]
    document = {
        "what": "freed memory",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "settings": {"preset": PRESET, "task": TASK, "calls": arguments.calls},
        "runs": found,
        "times_as_fast": {"median": median(ratios), "each": ratios},
        "wall_s": round(time.monotonic() - began, 1),
    }
    write_json(arguments.out, document)
    sys.stderr.write(f"{json.dumps(document['times_as_fast'])}\n")


if __name__ == "__main__":
    main()
