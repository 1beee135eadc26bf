"""What the stages of a run take on this machine, measured on a few steps and updates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from newt_core.workflows.trial_loop import TrialLoop

_MEASURED = 9
"""Calls that are timed at most, after one that does not count."""
_PATIENCE_S = 5.0
"""Once a call has been timed for so long, that is enough."""


@dataclass(frozen=True)
class StageTimes:
    """Seconds of each."""

    simulate: float
    """One step of all environments."""
    plan: float
    """Observing and planning for all environments."""
    update: float
    """One gradient step, drawing its batch included."""


def stage_times(trial: TrialLoop) -> StageTimes:
    """Take a few steps and updates of a run, and time them."""
    whole, plan, update = (seconds(work) for work in (trial.act, trial.plan, trial.update))
    return StageTimes(max(whole - plan, 0.0), plan, update)


def seconds(work: Callable[[], object]) -> float:
    """Return the median time of a call, the first one not counted unless it took long.

    A call in ten may take three times as long as the others, where other work comes between.
    """
    start = time.perf_counter()
    work()
    first = time.perf_counter() - start
    if first > _PATIENCE_S:
        return first
    calls: list[float] = []
    while len(calls) < _MEASURED and sum(calls) < _PATIENCE_S:
        start = time.perf_counter()
        work()
        calls.append(time.perf_counter() - start)
    return median(calls)
