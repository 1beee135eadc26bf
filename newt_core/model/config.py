"""The settings of the model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from newt_core.settings import limits
from newt_core.settings.base import Settings

SizeName = Literal["2M", "5M", "20M", "80M"]
"""What the sizes are called."""
EntropyKind = Literal["gaussian", "squashed"]
"""Whose entropy a policy is rewarded for: its Gaussian's, or that of the squashed action."""


class ModelConfig(Settings):
    """The architecture. The widths behind ``size`` stand in ``newt_core.model.sizes``."""

    size: SizeName = Field("20M", description="Model size: 2M, 5M, 20M or 80M.")
    obs: Literal["state", "rgb", "both"] = Field(
        "state", description="What the agent observes: state, rgb (pictures) or both."
    )
    frame_stack: int = Field(
        1,
        ge=1,
        le=limits.HORIZON,
        description="Visual observations it reads at once: the newest and those before it.",
    )

    q_dropout: float = Field(
        0.0, ge=0, le=0.9, description="Dropout in the Q heads' first layer while they are trained."
    )

    @property
    def feature_stack(self) -> int:
        """Image features F in the encoder's input."""
        return 0 if self.obs == "state" else self.frame_stack
