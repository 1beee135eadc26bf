"""Which image encoder a name stands for, and whether a checkpoint's is at hand."""

from __future__ import annotations

from pathlib import Path

import torch

from newt_core.encoders.image.base import ImageEncoder
from newt_core.encoders.image.dino import DINOV2, dinov2
from newt_core.encoders.image.tiny import TINY_NAME, tiny_encoder
from newt_core.errors import CheckpointError, ConfigError, did_you_mean

TINY = "tiny"
IMAGE_ENCODERS = (DINOV2, TINY)
"""Short names, for settings."""


def make_image_encoder(
    name: str, *, device: torch.device | str = "cpu", weights: Path | None = None
) -> ImageEncoder:
    """Return an image encoder by its short name or by the name that a checkpoint records.

    Args:
        name: One of :data:`IMAGE_ENCODERS`, or a recorded name.
        device: Where to run it.
        weights: File of DINOv2's weights.

    Raises:
        ConfigError: There is no such encoder.
        NewtError: Its weights or packages are missing or damaged.
    """
    if _kind(name) == TINY:
        return tiny_encoder(torch.device(device))
    if _kind(name) == DINOV2:
        return dinov2(weights, torch.device(device))
    raise ConfigError(
        f"'{name}' is not an image encoder.{did_you_mean(name, IMAGE_ENCODERS)} "
        f"Choose one of {', '.join(IMAGE_ENCODERS)}."
    )


def require_image_encoder(recorded: str | None, here: ImageEncoder | None, where: str) -> None:
    """Refuse to go on with another image encoder than a checkpoint was trained with.

    Args:
        recorded: The name in the checkpoint; None if the agent sees states only. A published
            checkpoint does not say with which weights: any of its kind will do.
        here: The encoder at hand.
        where: Names the checkpoint in the error.

    Raises:
        CheckpointError: They differ.
    """
    name = None if here is None else here.name
    if name == recorded or (name is not None and recorded == DINOV2 == _kind(name)):
        return
    if recorded is None or name is None:
        has, wants = ("none", name) if recorded is None else (recorded, "none")
        raise CheckpointError(
            f"{where}: its image encoder is {has}, but here it is {wants}. "
            "Use the --obs it was trained with."
        )
    remedy = f"Use --image-encoder {_kind(recorded)}."
    if _kind(recorded) == _kind(name):
        remedy = "Name the weights that it was trained with: --image-weights FILE."
    raise CheckpointError(
        f"{where}: trained with the image encoder {recorded}, but here it is {name}: its features "
        f"would mean nothing to the agent. {remedy}"
    )


def _kind(name: str) -> str:
    """Return the short name of an encoder, of which recorded ones have more to say."""
    return TINY if name == TINY_NAME else name.partition("@")[0]
