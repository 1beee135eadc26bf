"""Building blocks of every network: normalised linear layers and fused inputs.

Each network reads a concatenation of blocks, ``[x, text, action]``: a latent or state, the task's
text embedding and, for some, an action. A linear layer over a concatenation is the sum of linear
layers over its blocks, and within a batch only few texts differ. :class:`FusedMLP` therefore
multiplies the text block once per distinct task (:meth:`FusedMLP.bind`) and adds the row that
belongs to each sample. The result is the same as concatenating first, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.model.elementwise import mish

INIT_STD = 0.02
"""Standard deviation of the normal that initialises linear weights."""
INIT_BOUND = 2.0
"""Weights are drawn within ± this. It is no multiple of the std: next to nothing is cut off."""

Activation = Callable[[Tensor], Tensor]


def init_linear(weight: Tensor) -> None:
    """Initialise ``weight`` in place: a truncated normal."""
    nn.init.trunc_normal_(weight, std=INIT_STD, a=-INIT_BOUND, b=INIT_BOUND)


def autocast_once(weight: Tensor) -> Tensor:
    """``weight`` in the format that autocast would give it, if autocast is on.

    Autocast remembers whole parameters it has converted, but not slices of them: these it would
    convert again at every use.
    """
    kind = weight.device.type
    if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
        return weight
    return weight.to(torch.get_autocast_dtype(kind))


class NormedLinear(nn.Module):
    """Linear, LayerNorm over the output, then an activation (Mish unless given)."""

    def __init__(self, inputs: int, outputs: int, activation: Activation = mish) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.ln = nn.LayerNorm(outputs)
        self.activation = activation
        init_linear(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def finish(self, product: Tensor) -> Tensor:
        """Normalise and activate a product that was computed elsewhere, [..., outputs]."""
        return self.activation(self.ln(product))

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., inputs] to [..., outputs]."""
        return self.finish(self.linear(x))


def plain_linear(inputs: int, outputs: int, *, zero: bool = False) -> nn.Linear:
    """Return an output layer without norm; ``zero`` starts it at exactly nothing."""
    layer = nn.Linear(inputs, outputs)
    if zero:
        nn.init.zeros_(layer.weight)
    else:
        init_linear(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True)
class Blocks:
    """How a network's input is laid out: ``[x, text, extra]``."""

    x: int
    """Width of the latent or state block."""
    text: int
    """Width of the text embedding block."""
    extra: int = 0
    """Width of what follows the text: an action, an image feature, or nothing."""

    @property
    def total(self) -> int:
        """Width of the whole input."""
        return self.x + self.text + self.extra


class FusedMLP(nn.Module):
    """Normalised layers over ``[x, text, extra]``, then an output layer.

    The first layer's weight is stored whole, as in a plain MLP, and used in column blocks.
    """

    def __init__(self, blocks: Blocks, hidden: list[int], output: nn.Module) -> None:
        super().__init__()
        self.blocks = blocks
        self.first = NormedLinear(blocks.total, hidden[0])
        self.middle = nn.Sequential(*(NormedLinear(a, b) for a, b in pairwise(hidden)))
        self.output = output

    def weight_blocks(self) -> tuple[Tensor, Tensor, Tensor]:
        """The first layer's weight columns of x, text and extra, each [hidden, width]."""
        x, text, extra = autocast_once(self.first.linear.weight).split(
            [self.blocks.x, self.blocks.text, self.blocks.extra], dim=1
        )
        return x, text, extra

    def text_rows(self, text: Tensor) -> Tensor:
        """The first layer's share of the text and bias: [tasks, text] → [tasks, hidden]."""
        return F.linear(text, self.weight_blocks()[1], self.first.linear.bias)

    def tail(self, product: Tensor) -> Tensor:
        """Everything after the first layer's product, [..., hidden] → [..., outputs]."""
        out: Tensor = self.output(self.middle(self.first.finish(product)))
        return out

    def bind(self, text: Tensor, task: Tensor) -> BoundMLP:
        """Fix the text of each row.

        Args:
            text: [tasks, text] table of embeddings.
            task: [B] row of the table for each sample.
        """
        x, text_columns, extra = self.weight_blocks()
        rows = F.linear(text, text_columns, self.first.linear.bias)[task]
        return BoundMLP(self, x, extra, rows)

    def forward(self, x: Tensor, text: Tensor, extra: Tensor | None = None) -> Tensor:
        """Apply to rows with their own texts; all arguments share their leading shape."""
        w_x, _, w_extra = self.weight_blocks()
        return BoundMLP(self, w_x, w_extra, self.text_rows(text))(x, extra)


@dataclass(frozen=True)
class BoundMLP:
    """A :class:`FusedMLP` whose text is known: a function of ``(x, extra)``."""

    mlp: FusedMLP
    w_x: Tensor
    """[hidden, x] the first layer's columns of the latent or state."""
    w_extra: Tensor
    """[hidden, extra] the first layer's columns of what follows the text."""
    rows: Tensor
    """[..., B, hidden] the text's share of the first product."""

    def __call__(self, x: Tensor, extra: Tensor | None = None) -> Tensor:
        """Map x [..., B, x] and extra [..., B, extra] to [..., B, outputs]."""
        product = F.linear(x, self.w_x) + self.rows
        if extra is not None:
            product = product + F.linear(extra, self.w_extra)
        return self.mlp.tail(product)
