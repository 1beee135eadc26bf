"""Numbers as distributions over 101 bins, written down bin by bin (TD-MPC2, appendix)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BINS = 101
LARGEST = 10.0
"""The outermost bins stand for ±(e^10 - 1)."""
GAP = 0.2
"""Between neighbouring bins, after the squash."""


def bins(like: Tensor) -> Tensor:
    """-10, -9.8, … 10: [101], in the format and on the device of ``like``."""
    steps = [-LARGEST + GAP * k for k in range(BINS)]
    return torch.tensor(steps, dtype=like.dtype, device=like.device)


def squash(x: Tensor) -> Tensor:
    """ln(1 + x) on the right of 0, mirrored on its left."""
    return torch.where(x < 0, -(1 - x).log(), (1 + x).log())


def stretch(y: Tensor) -> Tensor:
    """What :func:`squash` made ``y`` of."""
    return torch.where(y < 0, 1 - (-y).exp(), y.exp() - 1)


def two_hot(x: Tensor) -> Tensor:
    """Each bin's share of scalars [...]: [..., 101].

    A bin's share falls from 1 where the squashed value meets it to 0 at its neighbours. Beyond
    the outermost bins, those have all of it.
    """
    place = squash(x).clamp(-LARGEST, LARGEST).unsqueeze(-1)
    return (1 - (place - bins(x)).abs() / GAP).clamp(min=0)


def mean(logits: Tensor) -> Tensor:
    """The scalar of the expected bin: [..., 101] → [...]."""
    return stretch((logits.softmax(-1) * bins(logits)).sum(-1))


def cross_entropy(logits: Tensor, value: Tensor) -> Tensor:
    """Of logits [..., 101] against scalars [...]: [...]."""
    return -(two_hot(value) * F.log_softmax(logits, dim=-1)).sum(-1)
