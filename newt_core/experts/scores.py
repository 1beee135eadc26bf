"""How well the scripted players do, as `benchmarks/experts.py` measured it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newt_core.specs.schema import TaskSpec
from newt_core.specs.score import has_success_signal

FILE = Path(__file__).with_name("scores.json")
"""`benchmarks/results/experts.json` is a link to it."""

GOOD_SCORE = 0.5
TIMES_RANDOM = 5.0
LEAST_RANDOM = 0.01
"""Where random actions score less, this is what a player is compared with."""


@dataclass(frozen=True)
class Played:
    """Episodes of one player."""

    episodes: int
    score: float
    ci95: float | None
    """Half width of the score's 95 % interval; None for a single episode."""
    mean_return: float
    success: float | None
    """Mean success at the last step; None where the task has no success signal."""


@dataclass(frozen=True)
class Measured:
    """A scripted player beside random actions."""

    version: int
    """Of the task."""
    expert: Played
    random: Played

    @property
    def good(self) -> bool:
        """Whether the player scores 0.5, or five times what random actions score."""
        needed = TIMES_RANDOM * max(self.random.score, LEAST_RANDOM)
        return self.expert.score >= min(GOOD_SCORE, needed)


def read_scores() -> dict[str, Measured]:
    """Return what was measured, under the tasks' ids."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        task: Measured(row["version"], Played(**row["expert"]), Played(**row["random"]))
        for task, row in document["tasks"].items()
    }


def describe_expert(spec: TaskSpec, scores: dict[str, Measured]) -> dict[str, Any] | None:
    """Return what a listing says of a task's scripted player; None where there is none.

    The numbers are None where nobody has measured this version of the task.
    """
    from newt_core.experts.registry import find_player

    player = find_player(spec)
    if player is None:
        return None
    what = {"kind": "scripted", "player": player.name}
    row = scores.get(spec.id)
    if row is None or row.version != spec.version:
        return what | {"episodes": 0, "score": None}
    # Measured while a task without a signal still counted as never solved.
    signal = has_success_signal([row.expert.success or 0.0], spec.score)
    return what | {
        "episodes": row.expert.episodes,
        "score": row.expert.score,
        "ci95": row.expert.ci95,
        "return": row.expert.mean_return,
        "success": row.expert.success if signal else None,
        "random_score": row.random.score,
        "random_return": row.random.mean_return,
    }
