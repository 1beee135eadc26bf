"""What the stages of a run take on this machine, measured on a few steps and updates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from newt_core.workflows.trial_loop import TrialLoop

_MEASURED = 5
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
    """Return the mean time of a call, the first one not counted unless it took long."""
    start = time.perf_counter()
    work()
    first = time.perf_counter() - start
    if first > _PATIENCE_S:
        return first
    start, count, passed = time.perf_counter(), 0, 0.0
    while count < _MEASURED and passed < _PATIENCE_S:
        work()
        count += 1
        passed = time.perf_counter() - start
    return passed / count
