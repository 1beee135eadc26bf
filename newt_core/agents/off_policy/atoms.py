"""Distributions of returns over evenly spaced atoms (C51: Bellemare et al., 2017)."""

from __future__ import annotations

import torch
from torch import Tensor


def project(probabilities: Tensor, values: Tensor, atoms: Tensor) -> Tensor:
    """Move distributions onto atoms, each mass to the two nearest, so that the mean is kept.

    Args:
        probabilities: [B, atoms].
        values: [B, atoms] where these masses are; those beyond the atoms move to the outermost.
        atoms: [atoms] evenly spaced.

    Returns:
        [B, atoms].
    """
    gap = atoms[1] - atoms[0]
    # Clamped last: rounding must not put anything beyond the outermost atoms.
    place = ((values - atoms[0]) / gap).clamp(0, len(atoms) - 1)
    lower = place.floor().clamp(max=len(atoms) - 2)
    share, index = place - lower, lower.long()
    out = torch.zeros_like(probabilities)
    out.scatter_add_(-1, index, probabilities * (1 - share))
    out.scatter_add_(-1, index + 1, probabilities * share)
    return out


def mean(probabilities: Tensor, atoms: Tensor) -> Tensor:
    """Return the means [...] of distributions [..., atoms].

    Not as a product of matrices, which autocast would make one in bfloat16: off by percents.
    """
    return (probabilities * atoms).sum(-1)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the cross-entropy [] of critics' distributions with targets, summed over critics.

    Args:
        logits: [critics, B, atoms].
        target: [critics, B, atoms], or [B, atoms] of them all.
    """
    return -(target * logits.log_softmax(-1)).sum(-1).mean(-1).sum()
