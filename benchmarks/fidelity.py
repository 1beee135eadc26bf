"""Measure how large some of the deviations in docs/fidelity.md are.

    python benchmarks/fidelity.py --out benchmarks/results/fidelity.json

- spaceship and pong: returns with what the published games carry over a reset, and without. As in
  them, the first episode of an environment has nothing to carry.
- box2d: Gymnasium's walker in a world that held an episode before, beside a new one, with the same
  seed and actions.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.bench.timing import describe_hardware
from newt_core.envs.domains.miniarcade.base import Game
from newt_core.envs.domains.miniarcade.pong import Pong
from newt_core.envs.domains.miniarcade.spaceship import Spaceship
from newt_core.envs.session import Session
from newt_core.experts.registry import make_player
from newt_core.files import write_json
from newt_core.specs import load_specs
from newt_core.types import FloatArray
from newt_core.version import git_version

SEED = 0
WALKER_STEPS = 500
"""Simulation steps of an episode of the benchmark."""


class CarriedSpaceship(Spaceship):
    """As published: a reset leaves the asteroid where it was."""

    left_over = 0
    """Episodes that began with one."""
    _steps_before = 0

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode, as any game does."""
        self._steps_before = self.t
        return super().reset(seed)

    def _begin(self) -> None:
        asteroid = self.asteroid if self._steps_before else None
        super()._begin()
        if asteroid is not None:
            # It takes the place of one that came with the first row: there is one at most.
            self.asteroid, self.asteroids = asteroid, 1
            self.left_over += 1


class CarriedPong(Pong):
    """As published: a reset leaves the opponent's delay, and what it was watching."""

    left_over = 0
    """Episodes that began with a delay, or in the middle of watching."""

    def _begin(self) -> None:
        delay, watching = self._delay, self._watching
        super()._begin()
        self._delay, self._watching = delay, watching
        self.left_over += bool(delay or watching)


GAMES: dict[str, tuple[type[Game], type[Game]]] = {
    "pygame-spaceship": (Spaceship, CarriedSpaceship),
    "pygame-pong": (Pong, CarriedPong),
}
"""Task → the game as Newt has it, and as published."""


def play_games(task: str, episodes: int) -> dict[str, Any]:
    """Return means and standard errors of returns, by random actions and by the player."""
    spec = load_specs()[task]
    row: dict[str, Any] = {}
    for name, game_class in zip(("cleared", "carried"), GAMES[task], strict=True):
        row[name] = {}
        for who in ("random", "player"):
            game = game_class()
            session, generator = Session(spec, game), np.random.default_rng(SEED)
            returns = []
            for episode in range(episodes):
                obs = session.reset(SEED if episode == 0 else None)
                act = make_player(spec)
                while not session.done:
                    action = (
                        generator.uniform(-1, 1, spec.action_dim).astype(np.float32)
                        if who == "random"
                        else act(obs)
                    )
                    obs = session.step(action).obs
                returns.append(session.episode_return)
            row[name][who] = {
                "return": _short(np.mean(returns)),
                "standard_error": _short(np.std(returns, ddof=1) / np.sqrt(episodes)),
                "began_with_something_carried": getattr(game, "left_over", 0),
            }
        sys.stderr.write(f"{task}, {name}: {row[name]}\n")
    return row


def walk_in_used_worlds(episodes: int) -> dict[str, Any]:
    """Return in how many episodes a used world led elsewhere, when first, and how far."""
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalker

    def episode(walker: Any, seed: int, actions: np.ndarray) -> np.ndarray:
        first, _ = walker.reset(seed=seed)
        return np.array([first, *(walker.step(action)[0] for action in actions)])

    found = []
    for seed in range(episodes):
        generator = np.random.default_rng(seed)
        actions = generator.uniform(-1, 1, (WALKER_STEPS, 4)).astype(np.float32)
        used = BipedalWalker()
        episode(used, episodes + seed, actions[::-1])
        apart = np.abs(episode(used, seed, actions) - episode(BipedalWalker(), seed, actions))
        different = np.flatnonzero(apart.max(axis=1))
        if len(different):
            found.append({"step": int(different[0]), "largest": _short(apart.max())})
    sys.stderr.write(f"box2d: {found}\n")
    return {"episodes": episodes, "different": found}


def _short(number: Any) -> float:
    return float(f"{number:.4g}")


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--episodes", type=int, default=300, help="of each game and player")
    parser.add_argument("--walks", type=int, default=40)
    arguments = parser.parse_args()
    started, commit = time.monotonic(), git_version()
    games = {task: play_games(task, arguments.episodes) for task in GAMES}
    walks = walk_in_used_worlds(arguments.walks)
    document = {
        "command": (
            f"python benchmarks/fidelity.py --episodes {arguments.episodes} "
            f"--walks {arguments.walks}"
        ),
        "commit": commit,
        "hardware": describe_hardware(),
        "seed": SEED,
        "wall_s": round(time.monotonic() - started, 1),
        "episodes": arguments.episodes,
        "games": games,
        "used_box2d_worlds": walks,
    }
    write_json(arguments.out, document)
    sys.stderr.write(f"wrote {arguments.out}\n")


if __name__ == "__main__":
    main()
