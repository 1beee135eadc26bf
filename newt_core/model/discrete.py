"""Regression as classification in symlog space (TD-MPC2, appendix; DreamerV3, section 3).

A scalar is squashed by ``symlog`` and spread over the two nearest of :data:`NUM_BINS` bins. The
prediction is the softmax's mean bin, unsquashed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from newt_core.model.elementwise import at_least_float32
from newt_core.model.sizes import NUM_BINS, SYMLOG_RANGE

BIN_WIDTH = 2 * SYMLOG_RANGE / (NUM_BINS - 1)


def symlog(x: Tensor) -> Tensor:
    """sign(x) · log(1 + |x|)."""
    return torch.sign(x) * torch.log1p(torch.abs(x))


def symexp(x: Tensor) -> Tensor:
    """Inverse of :func:`symlog`."""
    return torch.sign(x) * torch.expm1(torch.abs(x))


def bin_values(device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """[bins] the symlog value of each bin."""
    return torch.linspace(-SYMLOG_RANGE, SYMLOG_RANGE, NUM_BINS, device=device, dtype=dtype)


def two_hot_mean(logits: Tensor) -> Tensor:
    """The scalar that logits [..., bins] stand for: [...], in float32 at least.

    A product of matrices would be one in bfloat16 under autocast, and in TF32 on a GPU: of values
    near a thousand, that is off by tens.
    """
    probabilities = at_least_float32(logits).softmax(-1)
    return symexp((probabilities * bin_values(logits.device, probabilities.dtype)).sum(-1))


def soft_cross_entropy(logits: Tensor, value: Tensor) -> Tensor:
    """Cross-entropy of logits [..., bins] against two-hot scalars: [...].

    ``value`` may lack leading axes of ``logits`` (one target for several heads). Only two bins of
    the target are non-zero, so the sum is two gathered log-probabilities.
    """
    position = (symlog(value).clamp(-SYMLOG_RANGE, SYMLOG_RANGE) + SYMLOG_RANGE) / BIN_WIDTH
    lower = position.floor().clamp(max=NUM_BINS - 2)
    upper_share = position - lower
    # NaN has no bin; as an index it would be out of bounds. The share makes the result NaN.
    index = lower.nan_to_num(0).long().expand(logits.shape[:-1]).unsqueeze(-1)
    log_probability = F.log_softmax(at_least_float32(logits), dim=-1)
    at_lower = log_probability.gather(-1, index).squeeze(-1)
    at_upper = log_probability.gather(-1, index + 1).squeeze(-1)
    return -((1 - upper_share) * at_lower + upper_share * at_upper)
