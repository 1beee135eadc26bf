"""Learnable parameters per part, without allocating them."""

from __future__ import annotations

import torch

from newt_core.model.sizes import SIZES
from newt_core.model.world_model import TaskTable, WorldModel
from newt_core.types import ACTION_DIM, TEXT_DIM

PARTS = ("encoder", "dynamics", "reward", "policy", "q")


def count_parameters(size: str, *, state: bool = True, feature_stack: int = 0) -> dict[str, int]:
    """Return the learnable parameters of each part of a model size.

    Args:
        size: A key of :data:`newt_core.model.sizes.SIZES`.
        state: Count the encoder with a state in its input.
        feature_stack: Image features in its input.
    """
    model = without_values(size, state=state, feature_stack=feature_stack)
    return {part: sum(p.numel() for p in getattr(model, part).parameters()) for part in PARTS}


def without_values(size: str, *, state: bool = True, feature_stack: int = 0) -> WorldModel:
    """Return a model of one task whose weights have shapes only, on PyTorch's meta device."""
    table = TaskTable(torch.zeros(1, TEXT_DIM), torch.ones(1, ACTION_DIM), torch.ones(1))
    with torch.device("meta"):
        return WorldModel(SIZES[size], table, state=state, feature_stack=feature_stack)
