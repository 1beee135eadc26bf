"""How long each stage of a run works, and how long the run waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

Stage = Literal[
    "planning", "simulation", "learning", "waiting_for_simulation", "waiting_for_learning"
]
STAGES: tuple[Stage, ...] = ("planning", "simulation", "learning")
"""What works; the shares of what works side by side add up to more than 1."""
WAITS: tuple[Stage, ...] = ("waiting_for_simulation", "waiting_for_learning")
"""What the thread that plans does in between."""
NAMES = (*STAGES, *WAITS)


class StageClock:
    """Adds up the time of each stage, of the time in which a run acts and learns.

    Evaluations, checkpoints and reports are no part of it. Updates are timed where they are handed
    to the device: what a GPU then still computes of them counts to the planning that waits for it.
    """

    def __init__(self) -> None:
        self.seconds: dict[Stage, float] = dict.fromkeys(NAMES, 0.0)
        """Since the run began or went on."""
        self.whole = 0.0
        """Seconds of all, likewise."""
        self.reported: Mapping[Stage, float] = {}
        """The shares at the newest :meth:`mark`."""
        self._marked: Mapping[Stage, float] = dict(self.seconds)
        self._marked_whole = 0.0

    def add(self, stage: Stage, seconds: float) -> None:
        """Count some time that a stage took beside the others."""
        self.seconds[stage] += seconds

    @contextmanager
    def timed(self, *stages: Stage) -> Iterator[None]:
        """Count the time of the block to some stages."""
        began = time.monotonic()
        try:
            yield
        finally:
            passed = time.monotonic() - began
            for stage in stages:
                self.seconds[stage] += passed

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of the block as time in which the run acts or learns."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.whole += time.monotonic() - began

    def shares(self) -> dict[Stage, float]:
        """Return each stage's share of the time since :meth:`mark`; empty if none passed."""
        whole = self.whole - self._marked_whole
        if whole <= 0:
            return {}
        return {name: (self.seconds[name] - self._marked[name]) / whole for name in NAMES}

    def mark(self) -> None:
        """Begin to measure shares anew."""
        self.reported = self.shares() or self.reported
        self._marked, self._marked_whole = dict(self.seconds), self.whole


def in_words(shares: Mapping[Stage, float]) -> str:
    """Return such as ``62% planning, 7% simulation, 30% learning``; empty if nothing is known."""
    return ", ".join(f"{shares[stage]:.0%} {stage}" for stage in STAGES if stage in shares)
