"""Every constant of the method, in three small frozen parts.

Defaults are the paper's (Newt, tables 6 and 7). The field descriptions feed ``--help`` and the
documentation. NumPy-free and torch-free, so that the command line can read it quickly.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from newt_core.types import EntropyKind


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelConfig(_Frozen):
    """The architecture. The widths behind ``size`` stand in ``newt_core.model.sizes``."""

    size: Literal["2M", "5M", "20M", "80M"] = Field("20M", description="Model size.")
    obs: Literal["state", "rgb", "both"] = Field(
        "state", description="What the agent sees: states, pictures, or both."
    )
    frame_stack: int = Field(
        1, ge=1, description="Pictures it sees at once: the newest and those before it."
    )

    @property
    def images(self) -> int:
        """Image features F in the encoder's input."""
        return 0 if self.obs == "state" else self.frame_stack


class PlannerConfig(_Frozen):
    """Model-predictive path integral control in latent space (Newt, table 6)."""

    horizon: int = Field(3, ge=1, description="Steps H that a plan looks ahead.")
    num_samples: int = Field(512, ge=2, description="Action sequences N scored per iteration.")
    policy_trajectories: int = Field(
        24, ge=0, description="Of the N, sequences rolled out with the policy prior."
    )
    iterations: int = Field(6, ge=1, description="Rounds of sampling and refitting.")
    num_elites: int = Field(64, ge=1, description="Best sequences the Gaussian is refitted to.")
    min_std: float = Field(0.05, gt=0, description="Smallest sampling std.")
    max_std: float = Field(2.0, gt=0, description="Largest and initial sampling std.")
    temperature: float = Field(
        0.5, gt=0, description="Elite weights are softmax(temperature x (value - max))."
    )
    constrain_until: float = Field(
        0.02, ge=0, le=1, description="Share of the run that plans around the policy alone."
    )
    constrain_end: float = Field(
        0.12, ge=0, le=1, description="Share of the run after which planning is unconstrained."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Number format of the planner's matrix products."
    )
    compile: bool = Field(False, description="Compile the planner with torch.compile.")

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


class UpdateConfig(_Frozen):
    """One gradient step and how often it is taken (Newt, section 3 and table 6)."""

    batch_size: int = Field(1024, ge=1, description="Subsequences B per update.")
    horizon: int = Field(3, ge=1, description="Actions H per subsequence.")
    updates_per_step: float = Field(
        0.075, gt=0, description="Gradient steps per agent step, summed over all tasks."
    )
    catch_up: bool = Field(
        False,
        description="Make up, when learning begins, for the updates of the steps before.",
    )
    temporal_decay: float = Field(
        0.5, gt=0, le=1, description="Weight of step t is decay^t, normalised over H + 1 steps."
    )
    consistency_coef: float = Field(20.0, ge=0, description="Weight of latent consistency.")
    reward_coef: float = Field(0.1, ge=0, description="Weight of the reward cross-entropy.")
    value_coef: float = Field(0.1, ge=0, description="Weight of the value cross-entropy.")
    entropy_coef: float = Field(1e-4, ge=0, description="Weight of the policy's scaled entropy.")
    entropy: EntropyKind = Field(
        "gaussian",
        description="Whose entropy: of the Gaussian before the squash, or of the squashed action.",
    )
    bc_coef: float = Field(
        10.0,
        ge=0,
        description="Weight of behaviour cloning during interaction: of demonstrations and of the "
        "agent's own, planned actions. See pretrain.bc_coef for before.",
    )
    bc_latents: bool = Field(
        False,
        description="Let cloning shape the latents during interaction, too, as while pretraining.",
    )
    lr: float = Field(3e-4, gt=0, description="Adam's learning rate.")
    encoder_lr: float = Field(1e-4, gt=0, description="Adam's learning rate of the encoder.")
    policy_adam_eps: float = Field(1e-5, gt=0, description="Adam's epsilon for the policy.")
    grad_clip: float = Field(20.0, gt=0, description="Largest gradient norm.")
    target_ema: float = Field(0.01, gt=0, le=1, description="Target network's rate per update.")
    scale_ema: float = Field(0.01, gt=0, le=1, description="Running value scale's rate.")
    warmup_updates: int = Field(
        5000, ge=0, description="Updates of linear learning-rate warm-up when pretraining."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Autocast format of the update's matrix products."
    )
    compile: bool = Field(False, description="Compile the losses with torch.compile.")
