"""Stops a run whose numbers have become useless, before they reach a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from newt_core.agents.base import Skipped
from newt_core.errors import TrainingDiverged, some_of
from newt_core.training.checkpoint_folder import LAST

MOST_SKIPPED = 10
"""Updates in a row that may be left out because they are not finite; a bad batch is one or two."""


class Learns(Protocol):
    """Whatever takes gradient steps."""

    @property
    def skipped(self) -> Skipped:
        """Those that were left out."""

    @property
    def remedy(self) -> str:
        """See :class:`newt_core.agents.base.OnlineAgent`."""


class Health:
    """Looks whether a learner's updates are finite. Looking waits for the device: do it seldom.

    Args:
        learner: Leaves out, and counts, the updates that are not.
        checkpoints: The folder of the run's checkpoints, for messages.
    """

    def __init__(self, learner: Learns, checkpoints: Path) -> None:
        self._learner = learner
        self._checkpoints = checkpoints
        self.newest: Mapping[str, Tensor] = {}
        """The newest update's metrics."""

    def state_dict(self) -> dict[str, Any]:
        """Return the newest update's metrics, which the next report gives."""
        return {"newest": dict(self.newest)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        self.newest = dict(state["newest"])

    @property
    def sound(self) -> bool:
        """Whether the newest update was finite: the weights may be saved."""
        return not int(self._learner.skipped.in_a_row)

    def check(self, step: int) -> None:
        """Raise if :data:`MOST_SKIPPED` updates in a row had to be left out.

        Args:
            step: Agent steps so far (when pretraining: updates).

        Raises:
            TrainingDiverged: Names the step, the losses that are not finite, and what to do.
        """
        if int(self._learner.skipped.longest) >= MOST_SKIPPED:
            raise self.diverged(self._what(int(self._learner.skipped.longest)), step)

    def require_sound(self, step: int) -> None:
        """Raise if the newest update was left out; see :meth:`check`."""
        self.check(step)
        if not self.sound:
            raise self.diverged(self._what(int(self._learner.skipped.in_a_row)), step)

    def diverged(self, what: str, step: int) -> TrainingDiverged:
        """Return the error of a run that has diverged: what happened, when, and the way back."""
        last = self._checkpoints / LAST
        if not last.exists():
            way = "There is no checkpoint yet: start again with"
        else:
            way = f"The last good checkpoint is {last}: go on from it with --resume and"
        return TrainingDiverged(
            f"training diverged at step {step}: {what}. {way} {self._learner.remedy}."
        )

    def _what(self, skipped: int) -> str:
        values = {name: float(value) for name, value in self.newest.items()}
        bad = [f"{name} is {value}" for name, value in values.items() if not math.isfinite(value)]
        return f"{skipped} updates in a row were not finite" + (
            f" ({some_of(bad, 3)})" if bad else ""
        )
