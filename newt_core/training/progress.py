"""How a long run tells whoever watches it how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Watches a run. The trainer calls it often; a watcher decides what it shows, and when."""

    def update(
        self,
        *,
        steps: int,
        total: int,
        updates: int,
        steps_per_s: float,
        scores: Mapping[str, float],
        message: str = "",
    ) -> None:
        """Report where the run is.

        Args:
            steps: Agent steps taken so far, summed over all environments.
            total: Agent steps at which the run ends.
            updates: Gradient steps taken so far.
            steps_per_s: Recent speed in agent steps.
            scores: The newest score of each domain; empty before the first evaluation.
            message: Something that just happened and is worth a line, or an empty string.
        """
        ...


class Unwatched:
    """A :class:`Progress` that nobody looks at."""

    def update(
        self,
        *,
        steps: int,
        total: int,
        updates: int,
        steps_per_s: float,
        scores: Mapping[str, float],
        message: str = "",
    ) -> None:
        """Forget the report."""
