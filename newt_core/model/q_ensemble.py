"""The ensemble of value heads, all held in stacked tensors.

Heads share no weights, only their input. Stacking lets one batched product serve every head
and lets a random pair be picked by index, so that the heads not needed are never computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.model.elementwise import mish
from newt_core.model.layers import Blocks, autocast_once, init_linear
from newt_core.model.sizes import NUM_BINS


def draw_heads(num_q: int, generator: torch.Generator | None = None) -> Tensor:
    """Two different heads at random: [2] int64, on the CPU."""
    return torch.randperm(num_q, generator=generator)[:2]


class QEnsemble(nn.Module):
    """n heads, each two normalised layers and a zero-initialised output of 101 logits.

    Args:
        blocks: The input.
        hidden: Width of the layers.
        num_q: Heads n.
        dropout: Share of the first layer's outputs that is left out at a time while the heads are
            trained, before its norm (TD-MPC2, appendix: 0.01); whoever trains draws the masks.
    """

    def __init__(self, blocks: Blocks, hidden: int, num_q: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.blocks = blocks
        self.num_q = num_q
        self.dropout = dropout
        self.weight_0 = nn.Parameter(torch.empty(num_q, hidden, blocks.total))
        self.bias_0 = nn.Parameter(torch.zeros(num_q, hidden))
        self.scale_0 = nn.Parameter(torch.ones(num_q, hidden))
        self.shift_0 = nn.Parameter(torch.zeros(num_q, hidden))
        self.weight_1 = nn.Parameter(torch.empty(num_q, hidden, hidden))
        self.bias_1 = nn.Parameter(torch.zeros(num_q, hidden))
        self.scale_1 = nn.Parameter(torch.ones(num_q, hidden))
        self.shift_1 = nn.Parameter(torch.zeros(num_q, hidden))
        self.weight_2 = nn.Parameter(torch.zeros(num_q, NUM_BINS, hidden))
        self.bias_2 = nn.Parameter(torch.zeros(num_q, NUM_BINS))
        init_linear(self.weight_0.data)
        init_linear(self.weight_1.data)

    def draw_dropout(
        self, rows: Sequence[int], heads: int, generator: torch.Generator
    ) -> Tensor | None:
        """Draw a mask [heads, *rows, hidden] of zeros and 1 / (1 - dropout); None without dropout.

        Args:
            rows: Leading shape of the latents.
            heads: Heads that are evaluated.
            generator: On the weights' device.
        """
        if not self.dropout:
            return None
        shape = (heads, *rows, self.bias_0.shape[1])
        drawn = torch.rand(shape, device=self.bias_0.device, generator=generator)
        return (drawn >= self.dropout).to(drawn.dtype) / (1.0 - self.dropout)

    def bind(self, text: Tensor, task: Tensor, heads: Tensor | None = None) -> BoundQ:
        """Fix the text of each row and choose heads.

        Args:
            text: [tasks, text] table of embeddings.
            task: [B] row of the table for each sample.
            heads: [n] which heads to evaluate, on the weights' device; all of them if None.
        """
        weights: dict[str, Tensor] = dict(self.named_parameters())
        if heads is not None:
            weights = {name: w.index_select(0, heads) for name, w in weights.items()}
        x, text_columns, extra = autocast_once(weights["weight_0"]).split(
            [self.blocks.x, self.blocks.text, self.blocks.extra], dim=2
        )
        table = torch.matmul(text, text_columns.mT) + weights["bias_0"].unsqueeze(1)
        return BoundQ(weights, x, extra, table[:, task])


@dataclass(frozen=True)
class BoundQ:
    """Chosen heads with known text: a function of latents and actions."""

    weights: dict[str, Tensor]
    w_x: Tensor
    """[n, hidden, L] the first layer's latent columns."""
    w_action: Tensor
    """[n, hidden, A] the first layer's action columns."""
    rows: Tensor
    """[n, B, hidden] the text's share of the first product."""

    def frozen(self) -> BoundQ:
        """The same function, passing gradient to its inputs but not to the weights."""
        weights = {name: w.detach() for name, w in self.weights.items()}
        return BoundQ(weights, self.w_x.detach(), self.w_action.detach(), self.rows.detach())

    def __call__(self, z: Tensor, action: Tensor, dropout: Tensor | None = None) -> Tensor:
        """Logits of every chosen head.

        Args:
            z: [..., B, L] latents.
            action: [..., B, A].
            dropout: [n, ..., B, hidden] what the first layer's outputs are multiplied by.

        Returns:
            [n, ..., B, bins].
        """
        w = self.weights
        n, hidden = self.rows.shape[0], self.rows.shape[-1]
        lead = z.shape[:-1]
        # One product for the first layer of all heads: they read the same input.
        product = F.linear(z.flatten(0, -2), self.w_x.flatten(0, 1))
        product = product + F.linear(action.flatten(0, -2), self.w_action.flatten(0, 1))
        # [rows, n · hidden] → [n, ..., B, hidden], then the text's share of each sample.
        x = product.view(*lead, n, hidden).movedim(-2, 0)
        x = x + self.rows.view(n, *[1] * (len(lead) - 1), *self.rows.shape[1:])
        if dropout is not None:
            x = x * dropout.to(x.dtype)
        x = x.reshape(n, -1, hidden)
        x = mish(_layer_norm(x, w["scale_0"], w["shift_0"]))
        x = torch.baddbmm(w["bias_1"].unsqueeze(1), x, w["weight_1"].mT)
        x = mish(_layer_norm(x, w["scale_1"], w["shift_1"]))
        x = torch.baddbmm(w["bias_2"].unsqueeze(1), x, w["weight_2"].mT)
        return x.view(n, *lead, NUM_BINS)


def _layer_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """LayerNorm of x [n, rows, hidden] with each head's own scale and shift [n, hidden]."""
    normed = F.layer_norm(x, x.shape[-1:])
    return torch.addcmul(shift.unsqueeze(1), normed, scale.unsqueeze(1))
