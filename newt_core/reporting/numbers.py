"""How numbers are written for people."""

from __future__ import annotations

import math

NO_VALUE = "\N{EN DASH}"
"""In the place of a number that there is none of."""


def number(value: float | None, digits: int = 1) -> str:
    """Write a number with separators of thousands; a dash for none, and for one not finite."""
    return NO_VALUE if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"
