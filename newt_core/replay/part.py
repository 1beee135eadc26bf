"""Which rows of a larger batch a batch is: several processes draw the parts of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True)
class Part:
    """One of the parts that make up a whole, one after the other."""

    rows: tuple[int, ...]
    """Of each part."""
    index: int
    """Which of them."""

    @property
    def own(self) -> int:
        """Rows of this part."""
        return self.rows[self.index]

    @property
    def whole(self) -> int:
        """Rows of all parts."""
        return sum(self.rows)

    @property
    def first(self) -> int:
        """Rows of the parts before this one."""
        return sum(self.rows[: self.index])

    @property
    def share(self) -> float:
        """Of the whole, in (0, 1]: what this part's mean counts for in the mean of all rows."""
        return self.own / self.whole


WHOLE = Part((1,), 0)
"""All rows, however many: of a process that has no others beside it."""


def divide(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Divide rows in proportion to weights, as nearly as whole numbers can; each gets one at least.

    Args:
        total: Rows, as many as there are weights or more.
        weights: Of each part, 1 or more.

    Raises:
        ValueError: There are fewer rows than parts.
    """
    if total < len(weights):
        raise ValueError(f"{total} rows cannot be divided into {len(weights)} parts")
    whole = sum(weights)
    rows = _between((2 * total * upto + whole) // (2 * whole) for upto in accumulate(weights))
    if min(rows) < 1:  # One row for each first; what is left in proportion.
        left = total - len(weights)
        rows = _between(n + left * upto // whole for n, upto in enumerate(accumulate(weights), 1))
    return rows


def _between(ends: Iterable[int]) -> tuple[int, ...]:
    """Return the lengths of pieces that end there."""
    return tuple(end - begin for begin, end in pairwise([0, *ends]))
