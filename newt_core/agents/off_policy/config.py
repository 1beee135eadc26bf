"""The settings that such agents share, ``agent.options``. What has no default here, each kind
gives its own.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from newt_core.settings import limits
from newt_core.settings.base import InInteraction, Settings

BatchSize = Annotated[
    InInteraction[int],
    Field(
        ge=1, le=limits.BATCH, description="Transitions per update, as many of each environment."
    ),
]
UpdatesPerStep = Annotated[
    InInteraction[int],
    Field(
        ge=1,
        le=limits.PER_STEP,
        description="Updates of the critics after every step of all environments.",
    ),
]
LearningStarts = Annotated[
    int,
    Field(ge=0, le=limits.COUNT, description="Steps of all environments before the first update."),
]
RingSize = Annotated[
    int,
    Field(ge=2, le=limits.ROWS, description="Newest transitions remembered of each environment."),
]
Steps = Annotated[
    int, Field(ge=1, le=limits.HORIZON, description="Rewards n that a target sums up.")
]
Decay = Annotated[
    InInteraction[float], Field(ge=0, le=limits.NUMBER, description="AdamW's weight decay.")
]
Ema = Annotated[
    InInteraction[float],
    Field(gt=0, le=1, description="Rate of the target critics after every update."),
]
Normalised = Annotated[
    bool, Field(description="Let the networks see states by their running mean and std.")
]


class OffPolicyConfig(Settings):
    """Memory, distributions and steps of an actor and its critics."""

    batch_size: BatchSize
    updates_per_step: UpdatesPerStep
    learning_starts: LearningStarts
    ring: RingSize
    n_step: Steps
    num_atoms: int = Field(
        101, ge=2, le=limits.SAMPLES, description="Values that the critics' distributions are over."
    )
    v_min: float = Field(
        -10.0, ge=-limits.NUMBER, le=limits.NUMBER, description="Smallest of these values."
    )
    v_max: float = Field(
        10.0, ge=-limits.NUMBER, le=limits.NUMBER, description="Largest of these values."
    )
    lr: InInteraction[float] = Field(
        3e-4, gt=0, le=limits.NUMBER, description="AdamW's learning rate."
    )
    weight_decay: Decay
    target_ema: Ema
    normalise_states: Normalised
    normalise_rewards: bool = Field(
        True, description="Divide rewards by the running scale of their task's returns."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Autocast format of the updates."
    )

    @model_validator(mode="after")
    def _values_are_a_range(self) -> Self:
        if self.v_min >= self.v_max:
            raise ValueError("v_max must be above v_min")
        return self

    @property
    def largest(self) -> float:
        """Largest return that the critics can tell, in size."""
        return min(abs(self.v_min), abs(self.v_max))
