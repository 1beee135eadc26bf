"""How much memory planning takes, so that a GPU can be given as much as it has room for."""

from __future__ import annotations

import torch

from newt_core.model.sizes import NUM_BINS, Size
from newt_core.planner.config import PlannerConfig

SINGLE = 4
"""Bytes of a number in float32."""
WIDE = 4
"""Hidden layers of a sequence that exist at the same moment: a layer's input, its output, and what
is made of that."""
LATENTS = 5
"""Latents of a sequence likewise: where it is, where it goes, and the steps of SimNorm."""


def bytes_per_env(
    size: Size, width: int, config: PlannerConfig, horizon: int, dtype: torch.dtype
) -> int:
    """Return an upper bound of what a search takes for one environment, at its widest moment.

    The weights are not in it, nor is noise, which is drawn for all environments at once.

    Args:
        size: Of the model.
        width: Action width A.
        config: Sample counts.
        horizon: H.
        dtype: Of the matrix products.
    """
    hidden = WIDE * size.mlp_dim * dtype.itemsize
    latents = LATENTS * size.latent_dim * SINGLE
    bins, actions = 3 * NUM_BINS * SINGLE, 3 * horizon * width * SINGLE
    return config.num_samples * (hidden + latents + bins + actions)
