"""The settings of FastTD3, ``agent.options``.

Defaults are those published for many tasks, and n = 8 (Newt, section E), except where they say
otherwise: batch and memory of a large GPU do not fit a CPU.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from newt_core.settings import limits
from newt_core.settings.base import Settings


class FastTD3Config(Settings):
    """FastTD3 with text, a discount per task and rewards normalised per task."""

    batch_size: int = Field(
        2048,
        ge=1,
        le=limits.BATCH,
        description="Transitions per update, as many of each environment; published: 32768.",
    )
    updates_per_step: int = Field(
        2,
        ge=1,
        le=limits.PER_STEP,
        description="Updates of the critics after every step of all environments.",
    )
    learning_starts: int = Field(
        10, ge=0, le=limits.COUNT, description="Steps of all environments before the first update."
    )
    ring: int = Field(
        10_240,
        ge=2,
        le=limits.ROWS,
        description="Newest transitions remembered of each environment; published: 2048 to 51200.",
    )
    n_step: int = Field(
        8, ge=1, le=limits.HORIZON, description="Rewards n that a target sums up; published: 1, 3."
    )
    num_atoms: int = Field(
        101, ge=2, le=limits.SAMPLES, description="Values that the critics' distributions are over."
    )
    v_min: float = Field(
        -10.0, ge=-limits.NUMBER, le=limits.NUMBER, description="Smallest of these values."
    )
    v_max: float = Field(
        10.0, ge=-limits.NUMBER, le=limits.NUMBER, description="Largest of these values."
    )
    clipped_double_q: bool = Field(
        True,
        description="Let both critics learn from the target critic with the lower mean, and the "
        "actor from the lower mean; else each from its own, and from their average.",
    )
    actor_every: int = Field(
        2, ge=1, le=limits.COUNT, description="Updates of the critics per update of the actor."
    )
    target_noise: float = Field(
        0.001, ge=0, le=limits.NUMBER, description="Std of the noise on the targets' actions."
    )
    target_noise_clip: float = Field(0.5, ge=0, le=limits.NUMBER, description="Largest such noise.")
    noise_min: float = Field(
        0.001, ge=0, le=limits.NUMBER, description="Smallest std of an environment's exploration."
    )
    noise_max: float = Field(
        0.4, ge=0, le=limits.NUMBER, description="Largest std of an environment's exploration."
    )
    lr: float = Field(3e-4, gt=0, le=limits.NUMBER, description="AdamW's learning rate.")
    weight_decay: float = Field(0.1, ge=0, le=limits.NUMBER, description="AdamW's weight decay.")
    target_ema: float = Field(
        0.1, gt=0, le=1, description="Rate of the target critics after every update."
    )
    normalise_states: bool = Field(
        True, description="Let the networks see states by their running mean and std."
    )
    normalise_rewards: bool = Field(
        True, description="Divide rewards by the running scale of their task's returns."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Autocast format of the updates; published: bfloat16."
    )

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> Self:
        if self.v_min >= self.v_max:
            raise ValueError("v_max must be above v_min")
        if self.noise_min > self.noise_max:
            raise ValueError("noise_max must not be below noise_min")
        return self
