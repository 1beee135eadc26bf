"""The settings of PPO, ``agent.options``: the tuned variant's of Newt, section E, by default."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, model_validator

from newt_core.settings import limits
from newt_core.settings.base import InInteraction, Settings

UNTUNED = MappingProxyType(
    {
        "width": 256,
        "squash": False,
        "rollout": 16,
        "minibatches": 2,
        "epochs": 4,
        "value_coef": 2.0,
        "value_clip": False,
        "reward_scale": 1.0,
        "bootstrap": False,
    }
)
"""Option → its value before tuning: cleanRL's variant for Isaac Gym."""


class PPOConfig(Settings):
    """PPO with text, a discount per task and a squashed Gaussian (Newt, section E)."""

    variant: Literal["tuned", "untuned"] = Field(
        "tuned",
        description="Where the other options begin: tuned for 200 tasks as in the paper, or "
        "untuned, as in cleanRL's variant for Isaac Gym.",
    )
    width: int = Field(
        1024, ge=1, le=2**14, description="Width of both hidden layers of actor and critic."
    )
    squash: bool = Field(
        True, description="Squash the Gaussian by tanh, instead of clipping its samples."
    )
    state_dependent_std: bool = Field(
        False, description="Let the log-std depend on the input, instead of one for each entry."
    )
    rollout: int = Field(
        128, ge=1, le=limits.COUNT, description="Steps of each environment between updates."
    )
    minibatches: InInteraction[int] = Field(
        8, ge=1, le=limits.BATCH, description="Parts into which every epoch divides a rollout."
    )
    epochs: InInteraction[int] = Field(
        8, ge=1, le=limits.ITERATIONS, description="Passes over every rollout."
    )
    gae_lambda: InInteraction[float] = Field(
        0.95, ge=0, le=1, description="Weight λ of longer returns in the advantages."
    )
    clip: InInteraction[float] = Field(
        0.2, gt=0, le=limits.NUMBER, description="Clip range of ratios, and of values."
    )
    value_clip: InInteraction[bool] = Field(True, description="Clip changes of the values, too.")
    value_coef: InInteraction[float] = Field(
        1.0, ge=0, le=limits.NUMBER, description="Weight of half the value's squared error."
    )
    entropy_coef: InInteraction[float] = Field(
        0.0, ge=0, le=limits.NUMBER, description="Weight of the entropy before the squash."
    )
    reward_scale: float = Field(
        0.1, gt=0, le=limits.NUMBER, description="What rewards are multiplied by."
    )
    bootstrap: bool = Field(
        True,
        description="Let values go on beyond an episode's end, which always is a time-out, from "
        "its true last observation; else it counts as terminal.",
    )
    lr: InInteraction[float] = Field(
        0.0026, gt=0, le=limits.NUMBER, description="Adam's learning rate."
    )
    adam_eps: InInteraction[float] = Field(
        1e-5, gt=0, le=limits.NUMBER, description="Adam's epsilon."
    )
    grad_clip: InInteraction[float] = Field(
        1.0, gt=0, le=limits.NUMBER, description="Largest gradient norm, of actor and critic."
    )

    @model_validator(mode="before")
    @classmethod
    def _begin_with_the_variant(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("variant") == "untuned":
            return {**UNTUNED, **given}
        return given
