"""How much of the closed loop's return is left without feedback (Newt, table 8)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newt_core.evaluation.aggregate import half_width
from newt_core.evaluation.traces import Trace

Returns = NDArray[np.float64]
"""[episodes]."""
THIRDS = ("t1", "t2", "t3")
"""A third, two thirds and all of the horizon."""


@dataclass(frozen=True)
class Fraction:
    """Mean returns up to one time, and their ratio."""

    steps: int
    closed: float
    open: float
    ratio: float | None
    """Open over closed; None where the closed loop's mean return is not positive: there a fraction
    would say nothing."""
    ci95: float | None
    """Half width of the ratio's interval over episodes, which both run from the same starts; None
    for a single episode."""


def thirds(horizon: int) -> dict[str, int]:
    """Return the steps at which the fractions are taken, rounded up."""
    return {name: math.ceil(horizon * (n + 1) / 3) for n, name in enumerate(THIRDS)}


def fractions(
    closed: Sequence[Trace], opened: Sequence[Trace], horizon: int
) -> dict[str, Fraction]:
    """Compare episodes that begin alike.

    Args:
        closed: with feedback, at least ``horizon`` steps each.
        opened: without, likewise.
        horizon: in steps.
    """
    found = {}
    for name, steps in thirds(horizon).items():
        with_feedback, without = (
            np.array([trace.reward[:steps].sum(dtype=np.float64) for trace in traces])
            for traces in (closed, opened)
        )
        found[name] = _fraction(steps, with_feedback, without)
    return found


def _fraction(steps: int, closed: Returns, opened: Returns) -> Fraction:
    """Return the ratio of means, and its interval by linearisation (the ratio estimator's)."""
    base, mean = float(closed.mean()), float(opened.mean())
    if base <= 0:
        return Fraction(steps, base, mean, None, None)
    ratio = mean / base
    beyond = (opened - ratio * closed) / base
    return Fraction(steps, base, mean, ratio, half_width(beyond.tolist()))


def average(tasks: Iterable[Mapping[str, Fraction]]) -> dict[str, float | int | None]:
    """Return the plain mean of the tasks' fractions, and of how many tasks it is one."""
    held = [task for task in tasks if all(part.ratio is not None for part in task.values())]
    mean: dict[str, float | int | None] = {
        name: float(np.mean([task[name].ratio for task in held])) if held else None
        for name in THIRDS
    }
    return mean | {"tasks": len(held)}
