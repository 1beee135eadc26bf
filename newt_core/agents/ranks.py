"""The processes that train one agent together, as seen from one of them.

Everything that has to be agreed on goes through here: gradients between backward and clipping, the
value scale, counts, whether to stop, who writes. One process alone is :class:`OneRank`, for which
all of it is the identity; nothing else asks how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn


class Ranks(Protocol):
    """What one rank needs of the others. All ranks have to make the same calls in one order."""

    @property
    def writes(self) -> bool:
        """Whether this rank is the one that writes files and is watched."""

    def average_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Replace the gradients by their mean over all ranks.

        Args:
            parameters: Those whose gradients a backward pass has just made.
            loss: [] what was differentiated.

        Returns:
            [] the mean loss: not finite on all ranks if it is not on one, so that all of them
            leave the same updates out.
        """

    def average(self, value: Tensor) -> Tensor:
        """Return the mean of a value over all ranks."""

    def total(self, count: int) -> int:
        """Return the sum of a count over all ranks."""

    def any(self, flag: bool) -> bool:
        """Return whether one rank or more says so."""


class OneRank:
    """A process that trains alone."""

    writes = True

    def average_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Leave the gradients and the loss as they are."""
        return loss

    def average(self, value: Tensor) -> Tensor:
        """Return the value."""
        return value

    def total(self, count: int) -> int:
        """Return the count."""
        return count

    def any(self, flag: bool) -> bool:
        """Return the flag."""
        return flag


ALONE: Ranks = OneRank()
"""The one there is while there are no others."""
