"""The settings of the first steps and of an update; the paper's (Newt, tables 6 and 7)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from newt_core.model.config import EntropyKind
from newt_core.settings import limits
from newt_core.settings.base import AtBeginning, Changeable, InInteraction, InPretraining, Settings

REMEDY = "a lower --set update.lr=…, a lower update.grad_clip, or update.precision=float32"
"""What to try where the numbers become useless."""


class RandomPhaseConfig(Settings):
    """How a run begins: at random, or as the pretrained policy says; learning nothing yet."""

    episodes: AtBeginning[int] = Field(
        5,
        ge=0,
        le=limits.EPISODES,
        description="Episodes of each environment before the first update.",
    )
    until_reward: int = Field(
        0,
        ge=0,
        le=limits.EPISODES,
        description="Go on for up to this many, with extreme actions held for a while, as long as "
        "every reward of some task was the same.",
    )
    max_steps: AtBeginning[int] = Field(
        5_000,
        ge=1,
        le=limits.COUNT,
        description="Steps of each environment after which the phase ends anyhow.",
    )
    plans: AtBeginning[bool] = Field(
        False, description="Where the run begins with a policy worth following, plan at once."
    )


class UpdateConfig(Settings):
    """One gradient step and how often it is taken (Newt, section 3 and table 6)."""

    batch_size: Changeable[int] = Field(
        1024, ge=1, le=limits.BATCH, description="Subsequences B per update."
    )
    horizon: Changeable[int] = Field(
        3, ge=1, le=limits.HORIZON, description="Actions H per subsequence."
    )
    updates_per_step: AtBeginning[float] = Field(
        0.075,
        gt=0,
        le=limits.PER_STEP,
        description="Gradient steps per agent step, summed over all tasks.",
    )
    catch_up: AtBeginning[bool] = Field(
        False,
        description="Make up, when learning begins, for the updates of the steps before.",
    )
    temporal_decay: Changeable[float] = Field(
        0.5, gt=0, le=1, description="Weight of step t is decay^t, normalised over H + 1 steps."
    )
    consistency_coef: Changeable[float] = Field(
        20.0, ge=0, le=limits.NUMBER, description="Weight of latent consistency."
    )
    reward_coef: Changeable[float] = Field(
        0.1, ge=0, le=limits.NUMBER, description="Weight of the reward cross-entropy."
    )
    value_coef: Changeable[float] = Field(
        0.1, ge=0, le=limits.NUMBER, description="Weight of the value cross-entropy."
    )
    entropy_coef: Changeable[float] = Field(
        1e-4, ge=0, le=limits.NUMBER, description="Weight of the policy's scaled entropy."
    )
    entropy: Changeable[EntropyKind] = Field(
        "gaussian",
        description="Whose entropy: of the Gaussian before the squash, or of the squashed action.",
    )
    bc_coef: InInteraction[float] = Field(
        1.0,
        ge=0,
        le=limits.NUMBER,
        description="Weight of behaviour cloning during interaction: of demonstrations and of the "
        "agent's own, planned actions. See pretrain.bc_coef for before.",
    )
    bc_latents: InInteraction[bool] = Field(
        False,
        description="Let cloning shape the latents during interaction, too, as while pretraining.",
    )
    lr: Changeable[float] = Field(3e-4, gt=0, le=limits.NUMBER, description="Adam's learning rate.")
    encoder_lr: Changeable[float] = Field(
        1e-4, gt=0, le=limits.NUMBER, description="Adam's learning rate of the encoder."
    )
    policy_adam_eps: Changeable[float] = Field(
        1e-5, gt=0, le=limits.NUMBER, description="Adam's epsilon for the policy."
    )
    grad_clip: Changeable[float] = Field(
        20.0, gt=0, le=limits.NUMBER, description="Largest gradient norm."
    )
    target_ema: Changeable[float] = Field(
        0.01, gt=0, le=1, description="Target network's rate per update."
    )
    scale_ema: InInteraction[float] = Field(
        0.01, gt=0, le=1, description="Running value scale's rate."
    )
    warmup_updates: InPretraining[int] = Field(
        5000,
        ge=0,
        le=limits.COUNT,
        description="Updates of linear learning-rate warm-up when pretraining.",
    )
    precision: Changeable[Literal["float32", "bfloat16"]] = Field(
        "float32", description="Autocast format of the update's matrix products."
    )
    compile: Changeable[bool] = Field(False, description="Compile the losses with torch.compile.")
    tf32: Changeable[bool] = Field(
        True, description="On a GPU, multiply float32 matrices in TF32, as the published code does."
    )
    graphs: Changeable[bool] = Field(
        True,
        description="On a GPU, launch an update's kernels all at once, as a CUDA graph; not where "
        "several processes learn together.",
    )
