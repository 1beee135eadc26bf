"""Look for traces of the episode before in Atari's episodes, and time three ways to begin one.

    python benchmarks/atari_resets.py --out benchmarks/results/atari-resets.json

Each game is played at random for a random while and begun anew, over and over: by Newt's reset,
which restores a stored state, and by the emulator's own. An episode has traces if its memory, its
rewards or its last picture differ, within the same 25 agent steps, from those of a console that
has just been switched on. The third way, to switch the console on again, leaves none by its nature.
What counts as time is the processor's, so that a busy machine falsifies little.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from newt_core.bench.timing import describe_hardware
from newt_core.envs.domains.atari import AtariSimulator, build
from newt_core.files import write_json
from newt_core.specs import TaskSpec, load_specs
from newt_core.version import git_version

SEED = 7
SHORTEST, OPENING = 50, 25
"""Agent steps: fewest between two resets, and those that are compared."""


def look_for_traces(spec: TaskSpec, rounds: int) -> dict[str, int]:
    """Return in how many of ``rounds`` episodes each kind of reset left traces.

    Newt's is tried a fifth as often: it has tests of its own.
    """
    generator = np.random.default_rng(SEED)
    shape = (spec.episode_length, spec.action_dim)
    opening = generator.uniform(-1.0, 1.0, shape).astype(np.float32)[:OPENING]
    simulator = build(spec)
    untouched = _play_opening(simulator, opening)
    resets: dict[str, tuple[int, Callable[[], object]]] = {
        "newt": (max(1, rounds // 5), lambda: simulator.reset(None)),
        "emulator": (rounds, simulator._ale.reset_game),
    }
    traces = dict.fromkeys(resets, 0)
    for name, (times, reset) in resets.items():
        for _ in range(times):
            steps = int(generator.integers(SHORTEST, spec.episode_length + 1))
            for action in generator.uniform(-1.0, 1.0, shape).astype(np.float32)[:steps]:
                simulator.step(action)
            reset()
            traces[name] += _play_opening(simulator, opening) != untouched
    return traces


def _play_opening(simulator: AtariSimulator, actions: np.ndarray) -> list[bytes | float]:
    """Return what can be known of an episode's beginning: memory, rewards, the last picture."""
    seen: list[bytes | float] = [simulator._observe().tobytes()]
    for action in actions:
        outcome = simulator.step(action)
        seen += [outcome.obs.tobytes(), outcome.reward]
    return [*seen, simulator.render().tobytes()]


def time_resets(spec: TaskSpec, times: int = 3) -> dict[str, float]:
    """Return the milliseconds that each way of beginning an episode takes."""
    simulator = build(spec)

    def switch_on() -> None:
        simulator._switch_on(seed=0)
        simulator._ale.reset_game()

    ways: dict[str, Callable[[], object]] = {
        "restore": lambda: simulator.reset(None),
        "emulator": simulator._ale.reset_game,
        "switch_on": switch_on,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            start = time.process_time()
            way()
            seconds[name].append(time.process_time() - start)
    return {name: float(f"{1000 * median(runs):.3g}") for name, runs in seconds.items()}


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    started = time.monotonic()
    commit = git_version()
    games: dict[str, dict[str, Any]] = {}
    for spec in load_specs().select("atari"):
        games[spec.id] = {
            "episodes_with_traces": look_for_traces(spec, arguments.rounds),
            "ms": time_resets(spec),
        }
        sys.stderr.write(f"{spec.id}: {games[spec.id]}\n")
    marked = {
        name: [task for task, game in games.items() if game["episodes_with_traces"][name]]
        for name in ("newt", "emulator")
    }
    document = {
        "command": f"python benchmarks/atari_resets.py --rounds {arguments.rounds}",
        "commit": commit,
        "hardware": describe_hardware(),
        "seed": SEED,
        "wall_s": round(time.monotonic() - started, 1),
        "episodes": {"newt": max(1, arguments.rounds // 5), "emulator": arguments.rounds},
        "games_with_traces": marked,
        "median_ms": {
            way: median(game["ms"][way] for game in games.values())
            for way in ("restore", "emulator", "switch_on")
        },
        "games": games,
    }
    write_json(arguments.out, document)
    sys.stderr.write(f"wrote {arguments.out}\n")


if __name__ == "__main__":
    main()
