"""CLIP's text tower: a transformer that reads 77 tokens from left to right.

(Radford et al., 2021, "Learning Transferable Visual Models From Natural Language Supervision".)
It takes the tensors of open_clip's files under their own names. open_clip's own class would do the
same, but the package cannot be imported where torchvision and PyTorch come from different builds.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

HEAD_WIDTH = 64
"""Entries of a head of attention, in all of OpenAI's models."""
_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.")


class TextTower(nn.Module):
    """Tokens [n, T] → vectors [n, D], not yet of unit length.

    Args:
        width: Entries W of a token's vector.
        layers: Blocks.
        vocabulary: Tokens there are; the last of them ends a text.
        context: Tokens T read, at most.
        out: Entries D of a text's vector.
    """

    def __init__(
        self,
        width: int = 512,
        layers: int = 12,
        vocabulary: int = 49408,
        context: int = 77,
        out: int = 512,
    ) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.empty(context, width))
        blocks = nn.ModuleList(_Block(width) for _ in range(layers))
        self.transformer = nn.ModuleDict({"resblocks": blocks})
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, out))

    @property
    def _blocks(self) -> nn.ModuleList:
        blocks = self.transformer["resblocks"]
        assert isinstance(blocks, nn.ModuleList)
        return blocks

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Tokens there are, tokens read, and entries of a text's vector."""
        embedding, projection = self.token_embedding, self.text_projection
        return embedding.num_embeddings, len(self.positional_embedding), projection.shape[-1]

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the vector at each text's last token."""
        x = self.token_embedding(tokens) + self.positional_embedding
        length = tokens.shape[1]
        later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        for block in self._blocks:
            x = block(x, later)
        end = tokens.argmax(dim=-1)  # the token with the highest number
        last = self.ln_final(x[torch.arange(len(tokens), device=x.device), end])
        vectors: Tensor = last @ self.text_projection
        return vectors


class _Block(nn.Module):
    """Attention and a layer of neurons, each normalised before and added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, max(1, width // HEAD_WIDTH), batch_first=True)
        self.ln_2 = nn.LayerNorm(width)
        layers = (
            ("c_fc", nn.Linear(width, 4 * width)),
            ("gelu", _QuickGelu()),
            ("c_proj", nn.Linear(4 * width, width)),
        )
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x: Tensor, later: Tensor) -> Tensor:
        """Read [n, T, W]; ``later`` [T, T] is True where a token must not look."""
        read = self.ln_1(x)
        seen, _ = self.attn(read, read, read, need_weights=False, attn_mask=later)
        x = x + seen
        added: Tensor = x + self.mlp(self.ln_2(x))
        return added


class _QuickGelu(nn.Module):
    """OpenAI's approximation of the GELU, which its weights were trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


def tower_of(tensors: Mapping[str, Tensor]) -> TextTower:
    """Return the tower that some tensors are the weights of, frozen, in float32.

    Raises:
        KeyError: One that says how large it is, is missing.
        RuntimeError: They are those of another network.
    """
    vocabulary, width = tensors["token_embedding.weight"].shape
    found = (_BLOCK.match(name) for name in tensors)
    layers = 1 + max((int(block[1]) for block in found if block), default=-1)
    context, out = len(tensors["positional_embedding"]), tensors["text_projection"].shape[-1]
    with torch.device("meta"):  # no time is spent on weights that are replaced at once
        tower = TextTower(width, layers, vocabulary, context, out)
    tower.load_state_dict(dict(tensors), assign=True)
    return tower.float().eval().requires_grad_(False)
