"""The settings of the planner; defaults are the paper's (Newt, table 6)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from newt_core.settings import limits
from newt_core.settings.base import Changeable, InInteraction, InPretraining, Settings


class PlannerConfig(Settings):
    """Model-predictive path integral control in latent space (Newt, table 6)."""

    # While interacting, each environment's last plan is kept, which has H steps.
    horizon: InPretraining[int] = Field(
        3, ge=1, le=limits.HORIZON, description="Steps H that a plan looks ahead."
    )
    enabled: bool = Field(
        True, description="Plan; without, the policy acts, in training and in evaluations."
    )
    num_samples: Changeable[int] = Field(
        512, ge=2, le=limits.SAMPLES, description="Action sequences N scored per iteration."
    )
    policy_trajectories: Changeable[int] = Field(
        24,
        ge=0,
        le=limits.SAMPLES,
        description="Of the N, sequences rolled out with the policy prior.",
    )
    iterations: Changeable[int] = Field(
        6, ge=1, le=limits.ITERATIONS, description="Rounds of sampling and refitting."
    )
    num_elites: Changeable[int] = Field(
        64, ge=1, le=limits.SAMPLES, description="Best sequences the Gaussian is refitted to."
    )
    min_std: Changeable[float] = Field(
        0.05, gt=0, le=limits.NUMBER, description="Smallest sampling std."
    )
    max_std: Changeable[float] = Field(
        2.0, gt=0, le=limits.NUMBER, description="Largest and initial sampling std."
    )
    temperature: Changeable[float] = Field(
        0.5,
        gt=0,
        le=limits.NUMBER,
        description="Elite weights are softmax(temperature x (value - max)).",
    )
    constrain_until: InInteraction[float] = Field(
        0.02, ge=0, le=1, description="Share of the run that plans around the policy alone."
    )
    constrain_end: InInteraction[float] = Field(
        0.12, ge=0, le=1, description="Share of the run after which planning is unconstrained."
    )
    precision: Changeable[Literal["float32", "bfloat16"]] = Field(
        "float32", description="Number format of the planner's matrix products."
    )
    compile: Changeable[bool] = Field(False, description="Compile the planner with torch.compile.")
    tf32: Changeable[bool] = Field(
        True, description="On a GPU, multiply float32 matrices in TF32, as the published code does."
    )
    graphs: Changeable[bool] = Field(
        True, description="On a GPU, launch a plan's kernels all at once, as a CUDA graph."
    )

    @model_validator(mode="after")
    def _consistent(self) -> PlannerConfig:
        if self.policy_trajectories >= self.num_samples:
            raise ValueError("policy_trajectories must be below num_samples")
        if self.num_elites > self.num_samples:
            raise ValueError("num_elites must not exceed num_samples")
        if self.min_std > self.max_std:
            raise ValueError("min_std must not exceed max_std")
        if self.constrain_until > self.constrain_end:
            raise ValueError("constrain_until must not exceed constrain_end")
        return self
