"""The processes that train one agent together, as seen from one of them.

Everything that has to be agreed on goes through here: gradients between backward and clipping, the
value scale, counts, whether to stop, who writes. One process alone is :class:`OneRank`, for which
all of it is the identity; nothing else asks how many there are. Several are
:class:`newt_core.agents.torch_ranks.TorchRanks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from newt_core.replay.part import Part

T = TypeVar("T")


class Ranks(Protocol):
    """What one rank needs of the others. All ranks have to make the same calls in one order."""

    @property
    def rank(self) -> int:
        """The number of this one, from 0."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def writes(self) -> bool:
        """Whether this rank is the one that writes files and is watched."""

    def average_gradients(
        self, parameters: Sequence[nn.Parameter], loss: Tensor, part: Part
    ) -> Tensor:
        """Replace the gradients by those of the mean over all ranks' rows.

        Args:
            parameters: Those whose gradients a backward pass has just made.
            loss: [] what was differentiated: a mean over this rank's rows.
            part: These rows among those of all ranks.

        Returns:
            [] the mean loss: not finite on all ranks if it is not on one, so that all of them
            leave the same updates out.
        """

    def joined(self, values: Tensor, part: Part) -> Tensor:
        """Return the values [whole] of all ranks' rows, given those of this rank's [own]."""

    def gather(self, value: Any) -> list[Any]:
        """Return what each rank brought, in their order.

        Args:
            value: Numbers, texts, tensors, and lists and mappings by text of these. Tensors come
                back on the CPU.
        """

    def total(self, count: int) -> int:
        """Return the sum of a count over all ranks."""

    def any(self, flag: bool) -> bool:
        """Return whether one rank or more says so."""


class OneRank:
    """A process that trains alone."""

    rank = 0
    size = 1
    writes = True

    def average_gradients(
        self, parameters: Sequence[nn.Parameter], loss: Tensor, part: Part
    ) -> Tensor:
        """Leave the gradients and the loss as they are."""
        return loss

    def joined(self, values: Tensor, part: Part) -> Tensor:
        """Return the values."""
        return values

    def gather(self, value: Any) -> list[Any]:
        """Return the value alone."""
        return [value]

    def total(self, count: int) -> int:
        """Return the count."""
        return count

    def any(self, flag: bool) -> bool:
        """Return the flag."""
        return flag


ALONE: Ranks = OneRank()
"""The one there is while there are no others."""


def agreed(ranks: Ranks, work: Callable[[], T], *, failing: type[Exception]) -> T:
    """Do this rank's part of some work, and return its result unless it failed on any rank.

    So all ranks leave at the same place, with the others still listening: they can save.

    Args:
        ranks: Those that do their parts.
        work: This one's.
        failing: The error that is agreed on.

    Raises:
        Exception: Of the type ``failing``: this rank's own, or that of the first rank that failed.
    """
    found, error = None, None
    try:
        found = work()
    except failing as raised:
        error = raised
    if not ranks.any(error is not None):
        return found  # type: ignore[return-value]
    texts = ranks.gather(None if error is None else str(error))
    if error is not None:
        raise error
    raise failing(next(text for text in texts if text is not None))
