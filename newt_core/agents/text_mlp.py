"""A plain network over ``[x, text, extra]``: what the baselines' actors and critics are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.types import TEXT_DIM


class TextMLP(nn.Module):
    """Linear layers with an activation between them, and nothing else.

    The first layer's weight is stored whole, as over the concatenated input, and used in columns:
    the text's product is formed once per task and not once per row, the same up to rounding.

    Args:
        x: Width of what stands before the text: a state.
        widths: Of the hidden layers, then of the output.
        activation: After each layer but the last.
        extra: Width of what stands behind the text: an action, or nothing.
    """

    def __init__(
        self,
        x: int,
        widths: Sequence[int],
        activation: Callable[[Tensor], Tensor],
        *,
        extra: int = 0,
    ) -> None:
        super().__init__()
        self.inputs = (x, TEXT_DIM, extra)
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in pairwise([sum(self.inputs), *widths])
        )
        self.activation = activation

    def forward(self, x: Tensor, text: Tensor, task: Tensor, extra: Tensor | None = None) -> Tensor:
        """Map rows of tasks to outputs.

        Args:
            x: [B, x].
            text: [tasks, 512] the table of embeddings.
            task: [B] row of the table of each sample.
            extra: [B, extra].

        Returns:
            [B, outputs].
        """
        first, *rest = self.layers
        of_x, of_text, of_extra = first.weight.split(self.inputs, dim=1)  # type: ignore[operator]
        out = F.linear(x, of_x) + F.linear(text, of_text, first.bias)[task]  # type: ignore[arg-type]
        if extra is not None:
            out = out + F.linear(extra, of_extra)
        for layer in rest:
            out = layer(self.activation(out))
        return out
