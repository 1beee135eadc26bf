"""The time left of a run that cannot tell it yet: what it was expected to take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from newt_core.training.progress import Progress, RunStatus


class Expected:
    """A :class:`Progress` that knows what a run was expected to take, and since when it runs.

    A run tells how long it will take yet once it does what it will go on doing, and a pretraining
    does not know of the interaction that follows. Until then, what was expected counts, as long as
    that is not over.

    Args:
        progress: Who watches.
        seconds: What the whole run was expected to take; None if not known.
        pretraining: Whether it is a pretraining alone, which nothing follows.
        clock: Seconds, of a clock that only goes forward.
    """

    def __init__(
        self,
        progress: Progress,
        seconds: float | None,
        *,
        pretraining: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._seconds = seconds
        self._pretraining = pretraining
        self._clock = clock
        self._began = clock()

    def update(self, status: RunStatus) -> None:
        """Pass it on, with the time left if that was missing."""
        if self._seconds is not None and self._is_missing(status):
            left = self._began + self._seconds - self._clock()
            status = replace(status, seconds_left=left if left > 0 else None)
        self._progress.update(status)

    def _is_missing(self, status: RunStatus) -> bool:
        part = status.counts == "updates" and not self._pretraining
        return part or status.seconds_left is None
