"""When a run logs, evaluates and saves."""

from __future__ import annotations

import time
from dataclasses import dataclass

LOG_SECONDS = 10.0
"""Metrics are written about this often."""


@dataclass(frozen=True)
class Every:
    """Once in so many steps or updates, at the first moment at or after each multiple."""

    period: int
    """0 for never."""

    def due(self, now: int, last: int) -> bool:
        """Return whether a multiple of the period was passed since it was last done."""
        return self.period > 0 and now // self.period > last // self.period


class EverySeconds:
    """Once in so many seconds.

    Args:
        period: Seconds.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self.done()

    def due(self) -> bool:
        """Return whether the time has come."""
        return time.monotonic() - self._last > self._period

    def done(self) -> None:
        """Begin to wait for the next time."""
        self._last = time.monotonic()
