"""How long a run and the evaluation under way will take yet."""

from __future__ import annotations

import time

from newt_core.training.cadence import Evaluations
from newt_core.training.progress import Evaluating


class TimeLeft:
    """Foresees a run's end from its speed and from the evaluations so far.

    Args:
        evaluations: When it is evaluated, by its steps (or updates).
    """

    def __init__(self, evaluations: Evaluations) -> None:
        self._evaluations = evaluations
        self._evaluation_s: float | None = None
        self._began: float | None = None

    def begin_evaluation(self) -> None:
        """Note that an evaluation begins."""
        self._began = time.monotonic()
        self._done = self._of = 0
        self._first: tuple[float, int] | None = None

    def evaluated(self, done: int, total: int) -> None:
        """Note how far it is: agent steps taken, and of how many."""
        self._done, self._of = done, total
        if self._first is None and done and self._began is not None:
            self._first = time.monotonic() - self._began, done

    def end_evaluation(self, *, whole: bool) -> float:
        """Note that it ended, by itself or because it was asked to; return its seconds."""
        assert self._began is not None
        seconds = time.monotonic() - self._began
        self._began = None
        if whole:
            self._evaluation_s = seconds
        return seconds

    @property
    def evaluating(self) -> Evaluating | None:
        """The evaluation under way, if any."""
        if self._began is None:
            return None
        whole = self._whole()
        left = None if whole is None else max(0.0, whole - (time.monotonic() - self._began))
        return Evaluating(self._done, self._of, left)

    def seconds(self, steps: int, steps_per_s: float, evaluation_s: float | None) -> float | None:
        """Return the seconds until the run ends, evaluations included; None if not yet known.

        Args:
            steps: How far the run is.
            steps_per_s: Its speed, evaluations left out.
            evaluation_s: What an evaluation takes as long as none has been timed.
        """
        left = max(self._evaluations.total - steps, 0)
        if left and steps_per_s <= 0:
            return None
        seconds = left / steps_per_s if left else 0.0
        now = self.evaluating
        if now is not None:
            if now.seconds_left is None:
                return None
            seconds += now.seconds_left
        to_come = self._evaluations.after(steps)
        if to_come:
            each = self._whole() or self._evaluation_s or evaluation_s
            if each is None:
                return None
            seconds += to_come * each
        return seconds

    def _whole(self) -> float | None:
        """Return the seconds that the evaluation under way will have taken.

        The first steps also take what it takes to begin, and say nothing of the others.
        """
        if self._began is None or self._first is None:
            return self._evaluation_s
        begin_s, first = self._first
        if self._done == first:
            return begin_s if first >= self._of else self._evaluation_s
        so_far = time.monotonic() - self._began - begin_s
        return begin_s + so_far * (self._of - first) / (self._done - first)
