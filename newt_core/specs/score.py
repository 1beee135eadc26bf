"""How an episode becomes a score: a closed vocabulary of rules, chosen by ``kind``.

Scores make tasks comparable: 0 is no achievement and 1 is the most that is expected, so that
a plain mean over tasks means something.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ReturnScore(BaseModel):
    """The episode's return on a linear scale: ``low`` scores 0 and ``high`` scores 1."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["return"] = "return"
    low: float = 0.0
    """The return that scores 0."""
    high: float
    """The return that scores 1."""
    clip: bool = False
    """Whether the score is held within [0, 1]."""

    @model_validator(mode="after")
    def _rising(self) -> ReturnScore:
        if self.high <= self.low:
            raise ValueError(f"high ({self.high:g}) must be above low ({self.low:g})")
        return self

    def score(self, episode_return: float, success: float) -> float:
        """Return the normalised score of an episode; ``success`` plays no part."""
        scaled = (episode_return - self.low) / (self.high - self.low)
        return min(max(scaled, 0.0), 1.0) if self.clip else scaled


class SuccessScore(BaseModel):
    """Whether the task was solved at the episode's last step, however it went before."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    kind: Literal["success"] = "success"

    def score(self, episode_return: float, success: float) -> float:
        """Return the last step's ``success``, 0 or 1; the return plays no part."""
        return float(success)


SCORE_RULES: dict[str, type[BaseModel]] = {"return": ReturnScore, "success": SuccessScore}
"""Every rule under its ``kind``."""

ScoreRule = Annotated[ReturnScore | SuccessScore, Field(discriminator="kind")]


def has_success_signal(successes: Sequence[float], rule: ScoreRule | None) -> bool:
    """Return whether the last steps' ``success`` of some episodes says anything.

    Simulators without a success signal give NaN or always 0. What is always 0 is a signal only
    where the task's score depends on it; ``rule`` is None for a task that is not known here.
    """
    by_success = isinstance(rule, SuccessScore)
    return by_success or any(success and not math.isnan(success) for success in successes)
