"""The settings of FastTD3, ``agent.options``.

Defaults are those published for many tasks, and n = 8 (Newt, section E), except for batch (32,768)
and memory (2,048 to 51,200): those of a large GPU do not fit a CPU.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from newt_core.agents.off_policy.config import (
    BatchSize,
    Decay,
    Ema,
    LearningStarts,
    Normalised,
    OffPolicyConfig,
    RingSize,
    Steps,
    UpdatesPerStep,
)
from newt_core.settings import limits
from newt_core.settings.base import InInteraction


class FastTD3Config(OffPolicyConfig):
    """FastTD3 with text, a discount per task and rewards normalised per task."""

    batch_size: BatchSize = 2048
    updates_per_step: UpdatesPerStep = 2
    learning_starts: LearningStarts = 10
    ring: RingSize = 10_240
    n_step: Steps = 8
    weight_decay: Decay = 0.1
    target_ema: Ema = 0.1
    normalise_states: Normalised = True
    clipped_double_q: InInteraction[bool] = Field(
        True,
        description="Let both critics learn from the target critic with the lower mean, and the "
        "actor from the lower mean; else each from its own, and from their average.",
    )
    actor_every: InInteraction[int] = Field(
        2, ge=1, le=limits.COUNT, description="Updates of the critics per update of the actor."
    )
    target_noise: InInteraction[float] = Field(
        0.001, ge=0, le=limits.NUMBER, description="Std of the noise on the targets' actions."
    )
    target_noise_clip: InInteraction[float] = Field(
        0.5, ge=0, le=limits.NUMBER, description="Largest such noise."
    )
    noise_min: float = Field(
        0.001, ge=0, le=limits.NUMBER, description="Smallest std of an environment's exploration."
    )
    noise_max: float = Field(
        0.4, ge=0, le=limits.NUMBER, description="Largest std of an environment's exploration."
    )

    @model_validator(mode="after")
    def _noise_has_a_range(self) -> Self:
        if self.noise_min > self.noise_max:
            raise ValueError("noise_max must not be below noise_min")
        return self
