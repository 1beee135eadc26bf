"""How methods' scores went, over agent steps and over hours of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from newt_core.evaluation.statistics import Bootstrap, Estimate, Scores, mean
from newt_core.reporting.compare.members import Member, Moment
from newt_core.reporting.compare.read import Method

Axis = Literal["steps", "hours"]
REPEATS = 500
"""Of the bootstrap at each point."""
MOST_POINTS = 60
"""Points of a curve, each of which is bootstrapped."""


@dataclass(frozen=True)
class Curve:
    """A method's mean score over steps or hours."""

    where: Sequence[float]
    scores: Sequence[Estimate]
    """At each place; the interval draws runs anew and is there for several runs only."""


def curve(method: Method, tasks: Sequence[str], axis: Axis, seed: int = 0) -> Curve | None:
    """Return a method's curve over where all of its runs were evaluated.

    Between a run's evaluations its scores are joined by straight lines.

    Args:
        method: its runs.
        tasks: those to average over.
        axis: agent steps, or hours of training.
        seed: of the bootstrap.

    Returns:
        None where a run has fewer than two evaluations, or its hours are not known.
    """
    lines = [_line(member, tasks, axis) for member in method.members]
    if any(len(where) < 2 for where, _ in lines):
        return None
    first = max(where[0] for where, _ in lines)
    last = min(where[-1] for where, _ in lines)
    places = np.unique(np.concatenate([where for where, _ in lines]))
    places = places[(places >= first) & (places <= last)]
    if len(places) < 2:
        return None
    if len(places) > MOST_POINTS:
        kept = np.linspace(0, len(places) - 1, MOST_POINTS).round().astype(np.int64)
        places = places[kept]
    bootstrap = Bootstrap("runs", REPEATS, seed)
    # [runs, places, tasks]
    runs = np.stack([_joined(places, where, scores) for where, scores in lines])
    return Curve(
        [float(place) for place in places],
        [bootstrap.estimate(mean, runs[:, place]) for place in range(len(places))],
    )


def _line(member: Member, tasks: Sequence[str], axis: Axis) -> tuple[Scores, Scores]:
    """Return where a run was evaluated, rising, and its scores there, [places, tasks]."""
    points: dict[float, list[float]] = {}
    for moment in member.moments:
        place, results = _place(moment, axis), moment.evaluation["tasks"]
        if place is not None and all(task in results for task in tasks):
            points[place] = [float(results[task]["score"]) for task in tasks]
    places = sorted(points)
    return np.array(places), np.array([points[place] for place in places])


def _place(moment: Moment, axis: Axis) -> float | None:
    return float(moment.steps) if axis == "steps" else moment.hours


def _joined(places: Scores, where: Scores, scores: Scores) -> Scores:
    columns = [np.interp(places, where, scores[:, task]) for task in range(scores.shape[1])]
    return np.stack(columns, axis=-1)
