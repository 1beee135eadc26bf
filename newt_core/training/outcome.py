"""What a trainer is told by an evaluation, and what it says at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Scores:
    """What the trainer needs of an evaluation's result."""

    score: float
    """Mean over tasks."""
    domain_scores: Mapping[str, float]
    """Mean over each domain's tasks."""


@dataclass(frozen=True)
class TrainResult:
    """Where a run ended."""

    steps: int
    score: float | None
    """Of the last evaluation."""
    score_steps: int | None
    """Where the run was then; before ``steps`` in one that was interrupted."""
    interrupted: bool
