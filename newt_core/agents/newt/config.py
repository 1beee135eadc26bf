"""Every constant of the method, in three small frozen parts.

Defaults are the paper's (Newt, tables 6 and 7). The field descriptions feed ``--help`` and the
documentation, and a field's type says whether a run that goes on may change it. NumPy-free and
torch-free, so that the command line can read it quickly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from newt_core.types import EntropyKind

T = TypeVar("T")

Part = Literal["pretraining", "beginning", "interaction"]
"""A part of a run: learning from demonstrations alone, the first episodes of interaction, and all
of the interaction."""


@dataclass(frozen=True)
class TakesEffect:
    """Marks a setting that may change when a run goes on, and says which parts of it heed that.

    Settings without this mark stay what they were when the run began: its saved state was made
    with them, or nothing would look at them again. See :mod:`newt_core.training.resume`.
    """

    parts: frozenset[Part]


Changeable = Annotated[T, TakesEffect(frozenset({"pretraining", "interaction"}))]
"""A setting that takes effect whenever a run goes on."""
InPretraining = Annotated[T, TakesEffect(frozenset({"pretraining"}))]
"""A setting that takes effect as long as a run still pretrains."""
AtBeginning = Annotated[T, TakesEffect(frozenset({"beginning"}))]
"""A setting that takes effect if the interaction is yet to begin."""
InInteraction = Annotated[T, TakesEffect(frozenset({"interaction"}))]
"""A setting that takes effect when a run goes on interacting, or comes to interact."""


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

    # While interacting, each environment's last plan is kept, which has H steps.
    horizon: InPretraining[int] = Field(3, ge=1, description="Steps H that a plan looks ahead.")
    num_samples: Changeable[int] = Field(
        512, ge=2, description="Action sequences N scored per iteration."
    )
    policy_trajectories: Changeable[int] = Field(
        24, ge=0, description="Of the N, sequences rolled out with the policy prior."
    )
    iterations: Changeable[int] = Field(6, ge=1, description="Rounds of sampling and refitting.")
    num_elites: Changeable[int] = Field(
        64, ge=1, description="Best sequences the Gaussian is refitted to."
    )
    min_std: Changeable[float] = Field(0.05, gt=0, description="Smallest sampling std.")
    max_std: Changeable[float] = Field(2.0, gt=0, description="Largest and initial sampling std.")
    temperature: Changeable[float] = Field(
        0.5, gt=0, description="Elite weights are softmax(temperature x (value - max))."
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

    batch_size: Changeable[int] = Field(1024, ge=1, description="Subsequences B per update.")
    horizon: Changeable[int] = Field(3, ge=1, description="Actions H per subsequence.")
    updates_per_step: AtBeginning[float] = Field(
        0.075, gt=0, description="Gradient steps per agent step, summed over all tasks."
    )
    catch_up: AtBeginning[bool] = Field(
        False,
        description="Make up, when learning begins, for the updates of the steps before.",
    )
    temporal_decay: Changeable[float] = Field(
        0.5, gt=0, le=1, description="Weight of step t is decay^t, normalised over H + 1 steps."
    )
    consistency_coef: Changeable[float] = Field(
        20.0, ge=0, description="Weight of latent consistency."
    )
    reward_coef: Changeable[float] = Field(
        0.1, ge=0, description="Weight of the reward cross-entropy."
    )
    value_coef: Changeable[float] = Field(
        0.1, ge=0, description="Weight of the value cross-entropy."
    )
    entropy_coef: Changeable[float] = Field(
        1e-4, ge=0, description="Weight of the policy's scaled entropy."
    )
    entropy: Changeable[EntropyKind] = Field(
        "gaussian",
        description="Whose entropy: of the Gaussian before the squash, or of the squashed action.",
    )
    bc_coef: InInteraction[float] = Field(
        10.0,
        ge=0,
        description="Weight of behaviour cloning during interaction: of demonstrations and of the "
        "agent's own, planned actions. See pretrain.bc_coef for before.",
    )
    bc_latents: InInteraction[bool] = Field(
        False,
        description="Let cloning shape the latents during interaction, too, as while pretraining.",
    )
    lr: Changeable[float] = Field(3e-4, gt=0, description="Adam's learning rate.")
    encoder_lr: Changeable[float] = Field(
        1e-4, gt=0, description="Adam's learning rate of the encoder."
    )
    policy_adam_eps: Changeable[float] = Field(
        1e-5, gt=0, description="Adam's epsilon for the policy."
    )
    grad_clip: Changeable[float] = Field(20.0, gt=0, description="Largest gradient norm.")
    target_ema: Changeable[float] = Field(
        0.01, gt=0, le=1, description="Target network's rate per update."
    )
    scale_ema: InInteraction[float] = Field(
        0.01, gt=0, le=1, description="Running value scale's rate."
    )
    warmup_updates: InPretraining[int] = Field(
        5000, ge=0, description="Updates of linear learning-rate warm-up when pretraining."
    )
    precision: Changeable[Literal["float32", "bfloat16"]] = Field(
        "float32", description="Autocast format of the update's matrix products."
    )
    compile: Changeable[bool] = Field(False, description="Compile the losses with torch.compile.")
