"""What rewards are made of: numbers from 0 to 1 that say how far a wish is fulfilled.

The suite's ``rewards.tolerance`` computes the same and more, several times slower.
"""

from __future__ import annotations

VALUE_AT_MARGIN = 0.1
"""Where a Gaussian has fallen to at its margin; the suite's default."""


def at_least(value: float, bound: float, margin: float) -> float:
    """Return 1 from ``bound`` on; below it, a Gaussian that is 0.1 a ``margin`` away."""
    short = max(bound - value, 0.0) / margin
    return float(VALUE_AT_MARGIN ** (short * short))


def at_most(value: float, bound: float, margin: float) -> float:
    """Return 1 up to ``bound``; above it, a Gaussian that is 0.1 a ``margin`` away."""
    return at_least(-value, -bound, margin)


def ramp(value: float, full: float) -> float:
    """Return 0 up to zero, then a line that reaches 1 at ``full`` and stays there.

    ``full`` may be negative: then the line rises as ``value`` falls.
    """
    return float(min(max(value / full, 0.0), 1.0))
