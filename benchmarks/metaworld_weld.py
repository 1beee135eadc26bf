"""Measure what the stiffer weld of Meta-World's version 3 does to the hand.

    python benchmarks/metaworld_weld.py --out benchmarks/results/metaworld-weld.json

A weld pulls the hand after the place that the actions move. Version 3 scales its torques by 5, the
versions before it by 1. The scripted players, which were made for either, play the same seeds with
both; and the same random actions are applied with both, to see how far apart the hands are then.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from newt_core.bench.timing import describe_hardware
from newt_core.envs.domains.metaworld import build
from newt_core.envs.session import Session
from newt_core.experts.registry import make_player
from newt_core.files import write_json
from newt_core.specs import TaskSpec, load_specs
from newt_core.types import FloatArray
from newt_core.version import git_version

SCALES = {"version 3": 5.0, "before": 1.0}
TORQUE_SCALE = 10
"""Place of a weld's torque scale among its numbers."""
HAND = slice(0, 3)
FIRST_SEED = 2_000_000


def open_with(spec: TaskSpec, scale: float) -> Session:
    """Open a task whose hand is welded with a torque scale."""
    simulator = build(spec)
    model = simulator._env.model
    welds = np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_WELD)
    assert len(welds) == 1, "Meta-World welds the hand and nothing else"
    model.eq_data[welds, TORQUE_SCALE] = scale
    return Session(spec, simulator)


def play(session: Session, seed: int) -> tuple[float, float]:
    """Return the score and the return of one episode of the task's scripted player."""
    act, obs = make_player(session.spec), session.reset(seed)
    while not session.done:
        obs = session.step(act(obs)).obs
    return session.score, session.episode_return


def hand_path(session: Session, seed: int) -> FloatArray:
    """Return [T, 3] where the hand is, in metres, under random actions that ``seed`` decides."""
    actions = np.random.default_rng(seed).uniform(-1, 1, (session.spec.episode_length, 4))
    session.reset(seed)
    return np.array([session.step(action).obs[HAND] for action in actions.astype(np.float32)])


def compare(spec: TaskSpec, episodes: int) -> dict[str, Any]:
    """Return what both scales lead to in one task."""
    sessions = {name: open_with(spec, scale) for name, scale in SCALES.items()}
    seeds = range(FIRST_SEED, FIRST_SEED + episodes)
    paths = [hand_path(session, FIRST_SEED) for session in sessions.values()]
    apart = np.linalg.norm(paths[0] - paths[1], axis=1)
    row: dict[str, Any] = {"hands_apart_mm": _short(1000 * apart.mean())}
    for name, session in sessions.items():
        played = np.array([play(session, seed) for seed in seeds])
        row[name] = {"score": _short(played[:, 0].mean()), "return": _short(played[:, 1].mean())}
        session.simulator.close()
    return row


def summarise(tasks: Mapping[str, Any]) -> dict[str, Any]:
    """Return the means over tasks, and how many tasks' scores changed which way."""
    change = np.array(
        [row["version 3"]["score"] - row["before"]["score"] for row in tasks.values()]
    )
    means = {
        name: {
            what: _short(np.mean([row[name][what] for row in tasks.values()]))
            for what in ("score", "return")
        }
        for name in SCALES
    }
    return means | {
        "hands_apart_mm": _short(np.mean([row["hands_apart_mm"] for row in tasks.values()])),
        "tasks_better_with_version_3": int((change > 0).sum()),
        "tasks_worse_with_version_3": int((change < 0).sum()),
        "tasks_alike": int((change == 0).sum()),
    }


def _short(number: Any) -> float:
    return float(f"{number:.4g}")


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tasks", default="metaworld", help="a task selector")
    parser.add_argument("--episodes", type=int, default=10)
    arguments = parser.parse_args()
    started, commit = time.monotonic(), git_version()
    tasks = {}
    for spec in load_specs().select(arguments.tasks):
        tasks[spec.id] = compare(spec, arguments.episodes)
        sys.stderr.write(f"{spec.id}: {tasks[spec.id]}\n")
    command = f"--tasks {arguments.tasks} --episodes {arguments.episodes}"
    document = {
        "command": f"python benchmarks/metaworld_weld.py {command}",
        "commit": commit,
        "hardware": describe_hardware(),
        "first_seed": FIRST_SEED,
        "episodes": arguments.episodes,
        "wall_s": round(time.monotonic() - started, 1),
        "torque_scale": SCALES,
        "mean": summarise(tasks),
        "tasks": tasks,
    }
    write_json(arguments.out, document)
    sys.stderr.write(f"wrote {arguments.out}\n")


if __name__ == "__main__":
    main()
