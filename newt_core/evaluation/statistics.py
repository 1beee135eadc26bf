"""What several runs on several tasks amount to: aggregates, and how sure one can be of them.

Scores are matrices [runs, tasks]. The aggregates and the stratified bootstrap are those of Agarwal
et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (NeurIPS 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from newt_core.errors import ConfigError, did_you_mean

Scores = NDArray[np.float64]
"""[…, runs, tasks]."""
Resampled = Literal["runs", "tasks", "both"]
"""What a repetition of the bootstrap draws anew, with replacement."""
RESAMPLED: tuple[Resampled, ...] = get_args(Resampled)
TRIMMED = 0.25
"""Share of scores that the interquartile mean leaves out at either end."""
TARGET = 1.0
"""The score from which on the optimality gap asks for no more."""
TAIL = 2.5
"""Percent of repetitions below a 95 % interval, and above it."""


@dataclass(frozen=True)
class Estimate:
    """A number, and its 95 % interval."""

    value: float
    low: float | None = None
    """None where nothing could be drawn anew: a single run, or a single task."""
    high: float | None = None


def mean(scores: Scores) -> Scores:
    """Return the mean over tasks of each task's mean over runs: [runs, tasks] to []."""
    return np.asarray(scores.mean((-2, -1)))


def interquartile_mean(scores: Scores) -> Scores:
    """Return the mean of the middle half of all scores, runs and tasks alike.

    A quarter is cut off at either end, rounded down: of fewer than four scores, none.
    """
    ordered = np.sort(scores.reshape(*scores.shape[:-2], -1), axis=-1)
    count = ordered.shape[-1]
    cut = int(TRIMMED * count)
    return np.asarray(ordered[..., cut : count - cut].mean(-1))


def median(scores: Scores) -> Scores:
    """Return the median over tasks of each task's mean over runs."""
    return np.asarray(np.median(scores.mean(-2), axis=-1))


def optimality_gap(scores: Scores) -> Scores:
    """Return by how much scores fall short of :data:`TARGET` on average; less is better."""
    return np.asarray(TARGET - np.minimum(scores, TARGET).mean((-2, -1)))


AGGREGATES: Mapping[str, Callable[[Scores], Scores]] = {
    "mean": mean,
    "iqm": interquartile_mean,
    "median": median,
    "optimality_gap": optimality_gap,
}
"""Name in results → [..., runs, tasks] to [...]."""


def improvement(ours: Scores, theirs: Scores) -> Scores:
    """Return how probable it is that a run of ours beats one of theirs, on a task drawn at random.

    Args:
        ours: [..., N, tasks].
        theirs: [..., M, tasks].

    Returns:
        [...] in [0, 1]; a tie counts half, as in the statistic of Mann and Whitney.
    """
    won = np.zeros(ours.shape[:-2])
    for run in range(ours.shape[-2]):
        one = ours[..., run : run + 1, :]
        won += ((one > theirs) + 0.5 * (one == theirs)).mean((-2, -1))
    return np.asarray(won / ours.shape[-2])


def profile(scores: Scores, thresholds: Scores) -> Scores:
    """Return the share of scores above each of K thresholds: [..., runs, tasks] to [..., K]."""
    return np.stack([(scores > limit).mean((-2, -1)) for limit in thresholds], axis=-1)


@dataclass(frozen=True)
class Bootstrap:
    """The stratified bootstrap, with percentile intervals.

    Runs are drawn within each task, tasks for all runs and methods together. What is drawn for
    some numbers of runs and tasks follows from the seed alone: a method's intervals are the same
    whatever it is compared with.
    """

    resampled: Resampled = "runs"
    repeats: int = 2000
    seed: int = 0

    def estimate(self, statistic: Callable[[Scores], Scores], scores: Scores) -> Estimate:
        """Return a statistic of [runs, tasks] with its interval."""
        value = float(statistic(scores))
        if not self._varies(scores):
            return Estimate(value)
        return Estimate(value, *self._interval(statistic(self.draw(scores))))

    def improvement(self, ours: Scores, theirs: Scores) -> Estimate:
        """Return :func:`improvement` with its interval; the tasks drawn are the same for both."""
        value = float(improvement(ours, theirs))
        if not (self._varies(ours) or self._varies(theirs)):
            return Estimate(value)
        drawn = improvement(self.draw(ours), self.draw(theirs, method=1))
        return Estimate(value, *self._interval(drawn))

    def difference(self, ours: Scores, theirs: Scores) -> Estimate:
        """Return by how much our mean exceeds theirs, with its interval; tasks as above."""
        value = float(mean(ours) - mean(theirs))
        if not (self._varies(ours) or self._varies(theirs)):
            return Estimate(value)
        drawn = mean(self.draw(ours)) - mean(self.draw(theirs, method=1))
        return Estimate(value, *self._interval(drawn))

    def profile(self, scores: Scores, thresholds: Scores) -> list[Estimate]:
        """Return :func:`profile` with an interval at each threshold."""
        shares = profile(scores, thresholds)
        if not self._varies(scores):
            return [Estimate(float(share)) for share in shares]
        drawn = profile(self.draw(scores), thresholds)
        return [
            Estimate(float(share), *self._interval(drawn[:, place]))
            for place, share in enumerate(shares)
        ]

    def draw(self, scores: Scores, method: int = 0) -> Scores:
        """Return scores drawn anew: [runs, tasks] to [repeats, runs, tasks].

        Args:
            scores: what is drawn from.
            method: another one's runs are drawn independently, its tasks are the same.
        """
        runs, tasks = scores.shape
        shape = (self.repeats, runs, tasks)
        columns = np.broadcast_to(np.arange(tasks), shape)
        rows = np.broadcast_to(np.arange(runs)[:, None], shape)
        if self.resampled != "runs":
            generator = np.random.default_rng([self.seed, 0])
            columns = generator.integers(tasks, size=(self.repeats, 1, tasks))
        if self.resampled != "tasks":
            generator = np.random.default_rng([self.seed, 1 + method])
            rows = generator.integers(runs, size=shape)
        return np.asarray(scores[rows, columns])

    def _varies(self, scores: Scores) -> bool:
        runs, tasks = scores.shape
        return (self.resampled != "tasks" and runs > 1) or (self.resampled != "runs" and tasks > 1)

    def _interval(self, drawn: Scores) -> tuple[float, float]:
        low, high = np.percentile(drawn, (TAIL, 100 - TAIL))
        return float(low), float(high)


def require_resampled(name: str) -> Resampled:
    """Return what a user's word stands for.

    Raises:
        ConfigError: it is none of :data:`RESAMPLED`.
    """
    for known in RESAMPLED:
        if name == known:
            return known
    raise ConfigError(
        f"'{name}' cannot be drawn anew.{did_you_mean(name, RESAMPLED)} "
        f"Choose {', '.join(RESAMPLED[:-1])} or {RESAMPLED[-1]}."
    )
