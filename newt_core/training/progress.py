"""How a long run tells whoever watches it how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from newt_core.training.stage_clock import Stage


@dataclass(frozen=True)
class Evaluating:
    """Where an evaluation is."""

    done: int
    """Agent steps taken so far, in all its episodes."""
    total: int
    """Agent steps of all its episodes; 0 before the first is taken."""
    seconds_left: float | None
    """Until it ends; None as long as that is not known."""


@dataclass(frozen=True)
class RunStatus:
    """Where a run is."""

    steps: int
    """Agent steps taken so far, summed over all environments."""
    total: int
    """Agent steps at which the run ends."""
    updates: int
    """Gradient steps taken so far."""
    steps_per_s: float
    """Recent speed in agent steps."""
    scores: Mapping[str, float]
    """The newest score of each domain; empty before the first evaluation."""
    message: str = ""
    """Something that just happened and is worth a line, or an empty string."""
    run: str = ""
    """Which of several runs it is; empty where there is one."""
    counts: str = "steps"
    """What ``steps`` and ``total`` count: a pretraining counts its updates."""
    deaths: int = 0
    """How often an environment died and was made anew, since the run began."""
    lost_episodes: int = 0
    """Episodes that this cut short, since the run began."""
    seconds_left: float | None = None
    """Until the run ends, evaluations included; None as long as it cannot tell. A pretraining
    tells of itself alone."""
    evaluating: Evaluating | None = None
    """The evaluation under way, if any."""
    stages: Mapping[Stage, float] = field(default_factory=dict)
    """The share of the time in which each stage was at work lately; empty if not known."""


class Progress(Protocol):
    """Watches a run. The trainer calls it often; a watcher decides what it shows, and when."""

    def update(self, status: RunStatus) -> None:
        """Report where the run is."""
        ...


class Unwatched:
    """A :class:`Progress` that nobody looks at."""

    def update(self, status: RunStatus) -> None:
        """Forget the report."""
