"""When a run logs, evaluates and saves."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
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


class AtShares:
    """Once after each of some shares of a run, at the first moment at or after it.

    Args:
        shares: In (0, 1].
        total: Steps of the whole run.
    """

    def __init__(self, shares: Sequence[float], total: int) -> None:
        self._moments = [moment_of(share, total) for share in shares]

    def due(self, now: int, last: int) -> bool:
        """Return whether a share was passed since it was last done."""
        return any(last < moment <= now for moment in self._moments)


@dataclass(frozen=True)
class Evaluations:
    """The steps after which a run is evaluated: counted, for there may be billions of them."""

    total: int
    """Steps of the whole run, at whose end it always is."""
    every: int
    """Steps between evaluations, from the beginning on; 0 for none but those at shares."""
    shares: Sequence[float] = ()
    """Of the run, in (0, 1]. With some, it is evaluated at the beginning, too."""

    def after(self, step: int) -> int:
        """Return how many are to come after a step; after -1, all of them."""
        others = {self.total, *(moment_of(share, self.total) for share in self.shares)}
        if not self.every:
            others |= {0} if self.shares else set()
            return sum(other > step for other in others)
        multiples = max(0, (self.total - 1) // self.every - step // self.every)
        others = {other for other in others if other == self.total or other % self.every}
        return multiples + sum(other > step for other in others)


def moment_of(share: float, total: int) -> int:
    """Return the first whole step at or after a share of ``total`` steps."""
    # Rounded first: 0.1 of 30 is a little more than 3 to a computer.
    return math.ceil(round(share * total, 6))


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
