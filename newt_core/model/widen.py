"""Giving a trained model features to read: more encoder inputs, the same output at first."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from newt_core.errors import CheckpointError
from newt_core.model.world_model import WorldModel

FIRST_LAYER = "encoder.first.linear.weight"
"""The weight whose columns are the encoder's inputs, [state, text, image]."""


def widened_weights(weights: Mapping[str, Tensor], model: WorldModel) -> dict[str, Tensor]:
    """Return a model's weights with zero columns for the image features that ``model`` reads.

    Zero columns add nothing to the first product, so that ``model`` computes exactly what the
    narrower one did, whatever it sees. Their gradients are not zero: it can learn to look.

    Args:
        weights: A model's ``state_dict``; returned as it is where nothing is missing.
        model: The model that is to take them.

    Raises:
        CheckpointError: The encoder has other inputs than the model's first ones.
    """
    found = weights[FIRST_LAYER]
    blocks = model.encoder.blocks
    narrow = blocks.total - blocks.extra
    if found.shape[1] == blocks.total:
        return dict(weights)
    if found.shape[1] != narrow or blocks.x == 0:
        raise CheckpointError(
            f"its encoder reads {found.shape[1]} numbers, the new one {blocks.total}. Only an "
            "agent of states can be given pictures, with --obs both."
        )
    return {**weights, FIRST_LAYER: F.pad(found, (0, blocks.extra))}
