"""The search for one task's stored expert, as `benchmarks/search_experts.py` runs it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cma
import numpy as np

from benchmarks.search_space import (
    REFLEXES,
    RELATED,
    Space,
    Vector,
    body_of,
    everything,
    reflex,
    reversed_in_time,
    structured,
)
from benchmarks.search_wishes import WISHES
from newt_core.envs.session import Session, open_session
from newt_core.errors import EnvironmentFailure
from newt_core.experts.policy import Player
from newt_core.experts.rhythm import CLOCK_FEATURES, STORED, Rhythm, load, store, why_not
from newt_core.experts.scores import GOOD_SCORE, LEAST_RANDOM, TIMES_RANDOM
from newt_core.files import write_json
from newt_core.specs import TaskSpec, load_specs
from newt_core.types import FloatArray

WORK = Path(__file__).parent.parent / "runs" / "expert-search"
"""Where searches that go on keep the best that they have.

A controller that is put there by hand is where a search begins: mujoco-walker's was a linear
regulator that stood with bent knees.
"""
EPISODES: dict[str, int] = {"walker": 2, "finger": 3, "ball_in_cup": 3, "fish": 3, "acrobot": 2}
"""Body → episodes that a vector is played in; 1 for those that always begin alike."""
WISH_SHARE = 0.5
"""What a wish that is fulfilled at every step is worth, in scores."""
FIRST_TRIES = 40
"""Vectors drawn at random, of which the best is where the search begins."""
SLOWEST, FASTEST = 0.5, 5.0
"""Of their clocks, in Hz."""
CLOCK_SPREAD, FEEDBACK_SPREAD = 0.7, 0.3
"""Standard deviations of their weights."""
STEP_SIZE, LATER_STEP_SIZE = 0.3, 0.1
STRUCTURED_SHARE = 0.5
"""Of the time, with few free weights, and with episodes that end early."""
SHORT = 0.4
"""Of an episode, what those are."""
CHECK_EVERY, CHECKED_EPISODES = 5, 4
"""Generations, after which mean and best are played; on so many seeds that never change."""
CONFIRMED_EPISODES, RANDOM_EPISODES = 10, 3
LEAST_SCORE = 0.1
"""Less is not worth storing, even where random actions score nothing."""
CHECK_SEED, CONFIRM_SEED, RANDOM_SEED = 500_000, 600_000, 700_000
REPORT_S, SAVE_S = 10.0, 10.0
UNSTABLE = -1.0
"""Score of a controller that breaks the simulation."""


@dataclass
class State:
    """How far a task's search is."""

    task: str
    version: int
    seconds: float = 0.0
    episodes: int = 0
    checked: float = UNSTABLE
    """What the best controller is worth on the seeds that never change."""
    random: float = 0.0
    confirmed: float | None = None
    good: bool = False


class Search:
    """A search for one task's controller.

    Args:
        spec: the task.
        seed: of the search.
        minutes: of processor time that the task has, those of earlier calls included.
        enough: a score at which to stop.
    """

    def __init__(self, spec: TaskSpec, seed: int, minutes: float, enough: float) -> None:
        self.spec, self.limit, self.enough = spec, minutes * 60.0, enough
        self.session: Session = open_session(spec)
        self.generator = np.random.default_rng([seed, len(spec.id)])
        self.state = _read_state(spec)
        self.best: Rhythm | None = None if why_not(spec, WORK) else load(spec, WORK)
        self._per_vector = EPISODES.get(body_of(spec), 1)
        self._before, self._started = self.state.seconds, time.process_time()
        self._reported = self._saved = self._started

    def run(self) -> None:
        """Search until the time is over, then confirm the best."""
        if self.left() > 0:
            space = self._first_space()
            self._improve(space, STEP_SIZE, STRUCTURED_SHARE, SHORT)
            step_size = LATER_STEP_SIZE
            while self.left() > 0 and self.best is not None:
                self._improve(space.around(self.best, everything(self.spec)), step_size, 1.0)
                step_size *= 0.7
        self._confirm()
        self.save()

    def left(self, share: float = 1.0) -> float:
        """Return the seconds until a share of the task's time is over."""
        if self.state.checked >= self.enough:
            return 0.0
        return share * self.limit - self._before - (time.process_time() - self._started)

    def save(self) -> None:
        """Write how far the search is."""
        self.state.seconds = self._before + time.process_time() - self._started
        if self.best is not None:
            store(self.best, self.spec, WORK)
        write_json(WORK / f"{self.spec.id}.json", vars(self.state))

    def score(self, rhythm: Rhythm, seeds: Sequence[int], share: float = 1.0) -> float:
        """Return a controller's mean score over some episodes, or over a first share of each."""
        return float(np.mean([self._play(rhythm.player(), seed, share)[0] for seed in seeds]))

    def worth(self, rhythm: Rhythm, seeds: Sequence[int], share: float = 1.0) -> float:
        """Return the same, and what the task's wish adds."""
        return float(np.mean([sum(self._play(rhythm.player(), seed, share)) for seed in seeds]))

    def _play(self, act: Player, seed: int, share: float = 1.0) -> tuple[float, float]:
        """Play an episode, or a first share of one; return its score and what its wish adds."""
        self.state.episodes += 1
        session = self.session
        steps = round(share * self.spec.episode_length)
        wish, fulfilled = WISHES.get(self.spec.id), 0.0
        try:
            obs = session.reset(seed)
            while session.steps < steps:
                obs = session.step(act(obs)).obs
                fulfilled += wish(session) if wish is not None else 0.0
        except (FloatingPointError, EnvironmentFailure):
            return UNSTABLE, 0.0
        score = self.spec.score.score(session.episode_return / share, session.success)
        return score, WISH_SHARE * fulfilled / steps

    def _first_space(self) -> Space:
        """Measure random actions and the observation's spread; find where to begin."""
        seen: list[FloatArray] = []

        def at_random(obs: FloatArray) -> FloatArray:
            seen.append(obs)
            return self.generator.uniform(-1, 1, self.spec.action_dim).astype(np.float32)

        scores = [self._play(at_random, RANDOM_SEED + i)[0] for i in range(RANDOM_EPISODES)]
        self.state.random = float(np.mean(scores))
        free = structured(self.spec)
        mean, scale = np.mean(seen, axis=0), np.maximum(np.std(seen, axis=0), 0.05)
        space = Space(np.zeros(free.shape), 1.0, free, mean, scale.astype(np.float64))
        if self.best is not None:
            return space.around(self.best, free)
        if self.spec.id in REFLEXES:
            self._keep(reflex(self.spec))
            return space.around(reflex(self.spec), free)
        tries = self._related()
        seconds = getattr(self.session.simulator, "step_seconds", 0.02)
        for _ in range(FIRST_TRIES):
            weights = self.generator.normal(0.0, FEEDBACK_SPREAD, free.shape)
            weights[:, CLOCK_FEATURES:] *= self.generator.integers(2)
            weights[:, :CLOCK_FEATURES] *= CLOCK_SPREAD / FEEDBACK_SPREAD
            if self.generator.integers(2):  # all actuators in the same phase, or in the opposite
                weights[:, 1:3] = np.outer(weights[:, 1], self.generator.normal(size=2))
            hertz = SLOWEST * (FASTEST / SLOWEST) ** self.generator.random()
            drawn = Space(
                weights * free, 2 * np.pi * hertz * seconds, free, space.mean, space.scale
            )
            tries.append(drawn.rhythm(drawn.start))
        for rhythm in tries:
            self._keep(rhythm)
        return space.around(self.best or tries[0], free)

    def _related(self) -> list[Rhythm]:
        found = []
        for task in RELATED.get(self.spec.id, ()):
            spec = load_specs()[task]
            for folder in (WORK, STORED):
                if why_not(spec, folder) is None:
                    rhythm = load(spec, folder)
                    found += [rhythm, reversed_in_time(rhythm)]
                    break
        return found

    def _keep(self, rhythm: Rhythm) -> None:
        """Keep a controller if it is the best so far."""
        seeds = range(CHECK_SEED, CHECK_SEED + max(CHECKED_EPISODES, self._per_vector))
        worth = self.worth(rhythm, seeds[:1])
        if worth > self.state.checked - 0.1:
            worth = self.worth(rhythm, seeds)
            if worth > self.state.checked:
                self.state.checked, self.best = worth, rhythm

    def _improve(
        self, space: Space, step_size: float, share: float, episode_share: float = 1.0
    ) -> None:
        """Run CMA-ES from the space's base until it stops or a share of the time is over."""
        if self.left(share) <= 0:
            return
        options = {
            "seed": int(self.generator.integers(1, 2**31)),
            "verbose": -9,
            "CMA_diagonal": space.start.size > 200,
        }
        strategy = cma.CMAEvolutionStrategy(space.start, step_size, options)
        generation = 0
        while not strategy.stop() and self.left(share) > 0:
            vectors: list[Vector] = strategy.ask()
            seeds = self.generator.integers(0, CHECK_SEED, self._per_vector).tolist()
            scores = [self.worth(space.rhythm(v), seeds, episode_share) for v in vectors]
            strategy.tell(vectors, [-score for score in scores])
            if generation % CHECK_EVERY == 0:
                self._keep(space.rhythm(strategy.mean))
                self._keep(space.rhythm(vectors[int(np.argmax(scores))]))
            generation += 1
            self._report(max(scores))

    def _report(self, latest: float) -> None:
        now = time.process_time()
        if now - self._reported >= REPORT_S:
            self._reported = now
            rate = self.state.episodes / max(self._before + now - self._started, 1.0)
            sys.stderr.write(
                f"{self.spec.id}: best {self.state.checked:.3f}, now {latest:.3f}, at random "
                f"{self.state.random:.3f}; {self.state.episodes:,} episodes, {rate:.1f}/s, "
                f"{max(self.left(), 0):.0f} s left\n"
            )
        if now - self._saved >= SAVE_S:
            self._saved = now
            self.save()

    def _confirm(self) -> None:
        """Play the best on fresh seeds; put it into the package if it is good and the best yet."""
        if self.best is None:
            return
        seeds = range(CONFIRM_SEED, CONFIRM_SEED + CONFIRMED_EPISODES)
        confirmed = self.score(self.best, seeds)
        times_random = TIMES_RANDOM * max(self.state.random, LEAST_RANDOM)
        needed = min(GOOD_SCORE, max(times_random, LEAST_SCORE))
        self.state.confirmed, self.state.good = confirmed, confirmed >= needed
        known = why_not(self.spec, STORED) is None
        if self.state.good and not (
            known and self.worth(load(self.spec, STORED), seeds) >= self.worth(self.best, seeds)
        ):
            store(self.best, self.spec, STORED)


def _read_state(spec: TaskSpec) -> State:
    path = WORK / f"{spec.id}.json"
    if path.exists():
        state = State(**json.loads(path.read_text(encoding="utf-8")))
        if state.version == spec.version and why_not(spec, WORK) is None:
            return state
    return State(spec.id, spec.version)


def search(spec: TaskSpec, seed: int, minutes: float, enough: float) -> State:
    """Search for one task's controller; interrupted, save and raise on."""
    WORK.mkdir(parents=True, exist_ok=True)
    task = Search(spec, seed, minutes, enough)
    try:
        task.run()
    except KeyboardInterrupt:
        task.save()
        raise
    finally:
        task.session.simulator.close()
    return task.state
