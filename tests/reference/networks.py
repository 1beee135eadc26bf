"""The networks over whole concatenated inputs, read from a :class:`WorldModel`'s weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.model.layers import FusedMLP, NormedLinear
from newt_core.model.q_ensemble import QEnsemble


def normed(layer: NormedLinear, x: Tensor) -> Tensor:
    """Linear → LayerNorm, without the activation."""
    x = F.linear(x, layer.linear.weight, layer.linear.bias)
    return F.layer_norm(x, x.shape[-1:], layer.ln.weight, layer.ln.bias)


def mlp(network: FusedMLP, x: Tensor) -> Tensor:
    """Layer after layer on the whole input [..., x + text + extra].

    Hidden layers end in Mish; a normalised output layer ends in SimNorm over groups of eight.
    """
    x = F.mish(normed(network.first, x))
    for layer in network.middle:
        assert isinstance(layer, NormedLinear)
        x = F.mish(normed(layer, x))
    if isinstance(network.output, NormedLinear):
        logits = normed(network.output, x)
        return logits.view(*logits.shape[:-1], -1, 8).softmax(-1).view_as(logits)
    assert isinstance(network.output, nn.Linear)
    return F.linear(x, network.output.weight, network.output.bias)


def q_logits(q: QEnsemble, x: Tensor) -> Tensor:
    """Every head in turn on [..., z + text + action]: [n, ..., bins]."""
    heads = []
    for k in range(q.num_q):
        h = F.linear(x, q.weight_0[k], q.bias_0[k])
        h = F.mish(F.layer_norm(h, h.shape[-1:], q.scale_0[k], q.shift_0[k]))
        h = F.linear(h, q.weight_1[k], q.bias_1[k])
        h = F.mish(F.layer_norm(h, h.shape[-1:], q.scale_1[k], q.shift_1[k]))
        heads.append(F.linear(h, q.weight_2[k], q.bias_2[k]))
    return torch.stack(heads)
