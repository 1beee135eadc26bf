"""Plain networks over ``[x, text, extra]``, and their first layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from newt_core.types import TEXT_DIM


def over_text(
    layer: nn.Linear, x: Tensor, text: Tensor, task: Tensor, extra: Tensor | None = None
) -> Tensor:
    """Apply a layer to ``[x, text, extra]``.

    Its weight is stored whole, as over the concatenated input, and used in columns: the text's
    product is formed once per task and not once per row, the same up to rounding.

    Args:
        layer: Of as many inputs.
        x: [B, x].
        text: [tasks, 512] the table of embeddings.
        task: [B] row of the table of each sample.
        extra: [B, extra], or nothing.
    """
    widths = [x.shape[-1], text.shape[-1], 0 if extra is None else extra.shape[-1]]
    of_x, of_text, of_extra = layer.weight.split(widths, dim=1)
    out = F.linear(x, of_x) + F.linear(text, of_text, layer.bias)[task]
    return out if extra is None else out + F.linear(extra, of_extra)


class TextMLP(nn.Module):
    """Linear layers with an activation between them, and nothing else; see :func:`over_text`.

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
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in pairwise([x + TEXT_DIM + extra, *widths])
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
        assert isinstance(first, nn.Linear)
        out = over_text(first, x, text, task, extra)
        for layer in rest:
            out = layer(self.activation(out))
        return out
