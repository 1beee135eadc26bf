"""Time the states of every MiniArcade game: steps per second on one core, nothing drawn.

    python benchmarks/miniarcade_speed.py --out benchmarks/results/miniarcade-speed.json

What counts is processor time, so that a busy machine falsifies little. One game is stepped
directly, without a pool or Gymnasium around it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from newt_core.bench.timing import describe_hardware
from newt_core.envs.session import open_session
from newt_core.files import write_json
from newt_core.specs import TaskSpec, load_specs
from newt_core.version import git_version


def steps_per_second(spec: TaskSpec, episodes: int) -> float:
    """Play episodes with random actions; return the speed in the median one."""
    session = open_session(spec)
    generator = np.random.default_rng(0)
    shape = (spec.episode_length, spec.action_dim)
    seconds = []
    for episode in range(episodes):
        actions = generator.uniform(-1.0, 1.0, shape).astype(np.float32)
        session.reset(episode)
        start = time.process_time()
        for action in actions:
            session.step(action)
        seconds.append(time.process_time() - start)
    return spec.episode_length / median(seconds)


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--episodes", type=int, default=40)
    arguments = parser.parse_args()
    speeds = {}
    for spec in load_specs().select("pygame-*"):
        speeds[spec.id] = round(steps_per_second(spec, arguments.episodes))
        sys.stderr.write(f"{spec.id}: {speeds[spec.id]:,} steps/s\n")
    document = {
        "command": f"python benchmarks/miniarcade_speed.py --episodes {arguments.episodes}",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "episodes": arguments.episodes,
        "slowest": min(speeds.values()),
        "steps_per_s": speeds,
    }
    write_json(arguments.out, document)
    sys.stderr.write(f"wrote {arguments.out}\n")


if __name__ == "__main__":
    main()
