"""Mish and SimNorm, written so that a CPU does them quickly.

PyTorch's own kernels are one launch each, which is right for a GPU. On a CPU ``mish`` evaluates
three transcendental functions per entry and a softmax over eight neighbouring entries is not
vectorised; together they would take longer than the matrix products. Here Mish needs one
sigmoid, and the softmax runs along an axis that vectorises. Values agree to rounding.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """``x`` in float32 if it is narrower, else as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _tanh_softplus(x: Tensor) -> tuple[Tensor, Tensor]:
    """tanh(softplus(x)) and sigmoid(x).

    With s = sigmoid(x), e^softplus = 1 / (1 - s), so tanh(softplus) = n / (2 - n), n = s (2 - s).
    Nothing cancels and nothing overflows.
    """
    s = torch.sigmoid(x)
    n = torch.rsub(s, 2).mul_(s)
    return n.div_(torch.rsub(n, 2)), s


class _Mish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        wide = at_least_float32(x)
        t, s = _tanh_softplus(wide)
        ctx.save_for_backward(wide, t, s)
        return (wide * t).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        x, t, s = ctx.saved_tensors
        # d/dx [x t] = t + x s (1 - t²), in memory that is at hand.
        slope = t.square()
        torch.addcmul(x, x, slope, value=-1, out=slope)
        torch.addcmul(t, slope, s, out=slope)
        return slope.mul_(grads[0]).to(grads[0].dtype)


def mish(x: Tensor) -> Tensor:
    """X · tanh(softplus(x)), entry by entry."""
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return F.mish(x)
    if torch.is_grad_enabled():
        out: Tensor = _Mish.apply(x)
        return out
    wide = at_least_float32(x)
    return _tanh_softplus(wide)[0].mul_(wide).to(x.dtype)


def simnorm(x: Tensor, group: int) -> Tensor:
    """Project onto simplices: softmax over consecutive groups of entries (TD-MPC2, eq. 5).

    Args:
        x: [..., L] with L a multiple of ``group``.
        group: Entries per simplex.

    Returns:
        [..., L]; every group is non-negative and sums to 1.
    """
    groups = x.unflatten(-1, (-1, group))
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return groups.softmax(-1).flatten(-2)
    return groups.movedim(-1, 0).contiguous().softmax(0).movedim(0, -1).flatten(-2)


def strided_simnorm(x: Tensor, group: int) -> Tensor:
    """SimNorm of entries stored with each group's members L / group apart.

    See :func:`strided_order`; the result is float32 at least.
    """
    return at_least_float32(x).unflatten(-1, (group, -1)).softmax(-2).flatten(-2)


def strided_order(width: int, group: int, device: torch.device) -> Tensor:
    """[L] index such that ``x[order]`` stores group members L / group apart."""
    return torch.arange(width, device=device).view(-1, group).T.flatten()
