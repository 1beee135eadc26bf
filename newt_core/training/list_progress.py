"""How far a list of runs is, and how long all that is still to come will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from newt_core.training.progress import Progress, RunStatus

Run = TypeVar("Run", bound=Hashable)
"""What stands for a run; as a text, it is what people call it."""


@dataclass
class _Part:
    """One run of the list, as far as is known."""

    steps: int
    """Agent steps so far."""
    total: int
    expected: float | None
    """Seconds that it was expected to take before it began."""
    began: float | None = None
    """When it began, by the clock; None before."""
    first: int = 0
    """Agent steps that it began with: of a run that goes on, those of before."""
    status: RunStatus | None = None
    """What it told last; None before, and when it has ended."""
    took: float | None = None
    """Seconds that it was at work here, once it has ended."""


class ListProgress(Generic[Run]):
    """Tells who watches one count over all runs of a list, whatever runs at a time.

    Args:
        progress: Who watches.
        totals: Each run's agent steps at its end, in the list's order.
        done: The runs that ended before.
        expected: Run → seconds that it was expected to take; None if not known.
        jobs: Runs at a time.
        clock: Seconds, of a clock that only goes forward.
    """

    def __init__(
        self,
        progress: Progress,
        totals: Mapping[Run, int],
        done: Sequence[Run],
        expected: Mapping[Run, float | None],
        *,
        jobs: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._jobs = jobs
        self._clock = clock
        self._parts = {
            member: _Part(total if member in done else 0, total, expected.get(member))
            for member, total in totals.items()
        }

    def of(self, member: Run) -> Progress:
        """Return what one run tells of itself to, which begins with that."""
        part = self._parts[member]
        part.began, part.took = self._clock(), None
        return _OneOf(self, member)

    def tell(self, member: Run, status: RunStatus) -> None:
        """Take in what one run tells, and pass on how the list stands."""
        part = self._parts[member]
        if status.counts == "steps":
            if part.status is None or part.status.counts != "steps":
                part.first = status.steps
            part.steps = status.steps
        part.status = status
        self._tell(f"{member}: {status.message}" if status.message else "")

    def note(self, member: Run, message: str) -> None:
        """Pass on a line about one run."""
        self._tell(f"{member}: {message}")

    def end(self, member: Run, *, whole: bool) -> None:
        """Note that a run ended, as it was meant to or not."""
        part = self._parts[member]
        if part.began is not None:
            part.took = self._clock() - part.began
        part.status = None
        if whole:
            part.steps = part.total
        self._tell("")

    def _tell(self, message: str) -> None:
        parts = self._parts.values()
        running = [(m, p.status) for m, p in self._parts.items() if p.status is not None]
        told = [status for _, status in running]
        ended = sum(part.steps >= part.total and part.status is None for part in parts)
        names = ", ".join(str(member) for member, _ in running)
        status = RunStatus(
            sum(part.steps for part in parts),
            sum(part.total for part in parts),
            sum(one.updates for one in told),
            sum(one.steps_per_s for one in told if one.counts == "steps"),
            {},
            message,
            f"{ended}/{len(parts)} runs" + (f" · {names}" if names else ""),
            deaths=sum(one.deaths for one in told),
            lost_episodes=sum(one.lost_episodes for one in told),
            seconds_left=self._seconds_left(),
        )
        if len(told) == 1:
            status = replace(status, scores=told[0].scores, evaluating=told[0].evaluating)
        self._progress.update(status)

    def _seconds_left(self) -> float | None:
        """Return the seconds until the last run ends; None as long as that is not known."""
        left = [
            self._left_of(part)
            for part in self._parts.values()
            if part.status is not None or (part.took is None and part.steps < part.total)
        ]
        if not left:
            return 0.0
        known = [seconds for seconds in left if seconds is not None]
        if len(known) < len(left):
            return None
        return max(sum(known) / self._jobs, max(known))

    def _left_of(self, part: _Part) -> float | None:
        status = part.status
        if status is not None and status.counts == "steps" and status.seconds_left is not None:
            return status.seconds_left
        whole = self._whole(part)
        if whole is None or part.began is None or status is None:
            return whole
        passed = self._clock() - part.began
        return max(whole * (1 - part.first / part.total) - passed, status.seconds_left or 0.0)

    def _whole(self, part: _Part) -> float | None:
        """Return what a run will take: as expected, put right by how long the others took.

        Without anything that was expected, one goes by the others' pace, or the newest's so far.
        """
        over = [
            (other.took, (other.total - other.first) / other.total, other)
            for other in self._parts.values()
            if other.took and other.first < other.total
        ]
        if part.expected is None and not over:
            over = self._foreseen()
        if part.expected is not None:
            both = [(took, share * o.expected) for took, share, o in over if o.expected]
            return part.expected * (
                sum(took for took, _ in both) / sum(e for _, e in both) if both else 1.0
            )
        if not over:
            return None
        steps = sum(share * other.total for _, share, other in over)
        return part.total * sum(took for took, _, _ in over) / steps

    def _foreseen(self) -> list[tuple[float, float, _Part]]:
        """Return the seconds that runs at work will have taken, by themselves, and their share."""
        return [
            (self._clock() - part.began + status.seconds_left, 1 - part.first / part.total, part)
            for part in self._parts.values()
            if (status := part.status) is not None
            and part.began is not None
            and status.counts == "steps"
            and status.seconds_left is not None
            and part.first < part.total
        ]


class _OneOf(Generic[Run]):
    """A :class:`Progress` of one run of a list."""

    def __init__(self, whole: ListProgress[Run], member: Run) -> None:
        self._whole = whole
        self._member = member

    def update(self, status: RunStatus) -> None:
        """Pass it on."""
        self._whole.tell(self._member, status)
