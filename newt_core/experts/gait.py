"""Open-loop gaits: every motor follows a sine, whatever the body does."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sin
from typing import NamedTuple

from newt_core.experts.policy import Policy


class Gait(NamedTuple):
    """A rhythm, and what each motor does in it."""

    period: float
    """Agent steps after which everything repeats."""
    motors: tuple[tuple[float, float, float], ...]
    """For each motor its middle, its swing and its phase in radians."""

    def policy(self) -> Policy:
        """Return a policy that begins at the rhythm's start; it reads nothing."""
        step = 0

        def act(obs: Sequence[float]) -> Sequence[float]:
            nonlocal step
            turn = 2 * pi * step / self.period
            step += 1
            return [middle + swing * sin(turn + phase) for middle, swing, phase in self.motors]

        return act
