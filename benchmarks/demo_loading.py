"""Load as many demonstrations as the paper has into the replay buffer: seconds and memory.

    python benchmarks/demo_loading.py --out benchmarks/results/demo-loading.json

Writes 4,020 episodes of random numbers, in the dimensions, lengths and counts of the 200 training
tasks (with stand-ins for ManiSkill where its 36 tasks are not there yet), then loads
them in a process of its own. "padded" is what the rows of a learner's batch take: 580 bytes per
row. The peak is that of the whole process, less what it had before it began to load.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.bench.timing import describe_hardware
from newt_core.demos.folder import demo_path
from newt_core.demos.quality import default_episodes
from newt_core.demos.schema import DemoEpisode
from newt_core.demos.write import writing
from newt_core.files import write_json
from newt_core.specs import TaskSpec, load_specs
from newt_core.types import ACTION_DIM, STATE_DIM
from newt_core.version import git_version

MANISKILL_TASKS = 36
MANISKILL_STAND_IN = {
    "domain": "maniskill",
    "embodiment": "A stand-in.",
    "instruction": "Stand in.",
    "obs_dim": 42,
    "action_dim": 8,
    "episode_length": 50,
    "reward": "dense",
    "score": {"kind": "success"},
}
ROW_BYTES = 4 * (STATE_DIM + ACTION_DIM + 1)


def tasks() -> list[TaskSpec]:
    """The 200 training tasks, or stand-ins of the same size."""
    specs = load_specs().select("all")
    missing = MANISKILL_TASKS - sum(spec.domain == "maniskill" for spec in specs)
    stand_ins = [
        TaskSpec.model_validate({"id": f"stand-in-{number}", **MANISKILL_STAND_IN})
        for number in range(missing)
    ]
    return [*specs, *stand_ins]


def random_episode(spec: TaskSpec, generator: np.random.Generator) -> DemoEpisode:
    """An episode of the task's size."""
    steps = spec.episode_length
    ends = np.zeros(steps, np.bool_)
    ends[-1] = True
    return DemoEpisode(
        observations=generator.standard_normal((steps + 1, spec.obs_dim), np.float32),
        actions=generator.uniform(-1, 1, (steps, spec.action_dim)).astype(np.float32),
        rewards=generator.random(steps, np.float32),
        terminations=np.zeros(steps, np.bool_),
        truncations=ends,
        success=np.ones(steps, np.float32),
        score=np.ones(steps, np.float32),
    )


def write_all(folder: Path) -> None:
    """Write every task's file."""
    generator = np.random.default_rng(0)
    for spec in tasks():
        with writing(demo_path(folder, spec.id), spec, "random numbers") as writer:
            writer.add([random_episode(spec, generator) for _ in range(default_episodes(spec))])


def sizes(folder: Path) -> dict[str, int]:
    """Return what the files of all tasks amount to."""
    counts = [(spec, default_episodes(spec)) for spec in tasks()]
    episodes = sum(count for _, count in counts)
    steps = sum(count * spec.episode_length for spec, count in counts)
    return {
        "tasks": len(counts),
        "episodes": episodes,
        "steps": steps,
        "unpadded_bytes": sum(
            count * (spec.episode_length + 1) * 4 * (spec.obs_dim + spec.action_dim + 1)
            for spec, count in counts
        ),
        "padded_bytes": (steps + episodes) * ROW_BYTES,
        "file_bytes": sum(path.stat().st_size for path in folder.glob("*.h5")),
    }


def load_all(folder: Path) -> dict[str, Any]:
    """Load every task's file; return seconds and memory."""
    from newt_core.demos.load import load_demos

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    started, cpu = time.monotonic(), time.process_time()
    loaded = load_demos(folder, tasks())
    return {
        "episodes": loaded.buffer.num_episodes,
        "steps": loaded.buffer.num_steps,
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before,
    }


def main() -> None:
    """Write, load in a process of its own, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the files are, or are to be kept")
    parser.add_argument("--load", type=Path, help="only load this folder and print the numbers")
    options = parser.parse_args()
    if options.load:
        sys.stdout.write(json.dumps(load_all(options.load)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        if not list(folder.glob("*.h5")):
            write_all(folder)
        totals = sizes(folder)
        sys.stderr.write(f"{totals}\n")
        runs = []
        for _ in range(options.runs):
            command = [sys.executable, __file__, "--load", str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            runs.append(json.loads(done.stdout))
            sys.stderr.write(f"{runs[-1]}\n")
    runs.sort(key=lambda run: run["seconds"])
    median = runs[len(runs) // 2]
    document = {
        "command": "python benchmarks/demo_loading.py",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "data": totals,
        "runs": runs,
        "median_seconds": median["seconds"],
        "peak_over_padded": round(median["peak_bytes"] / totals["padded_bytes"], 3),
    }
    if options.out:
        write_json(options.out, document)
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
