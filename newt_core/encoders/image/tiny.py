"""A tiny vision transformer with random weights, for tests and for machines without a GPU.

It stands where DINOv2 stands and has the same interface, at a thousandth of the cost. Nobody
trained it: it knows no objects, but where something is in a picture can be read off its feature.
Its name says so in everything that records it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from newt_core.encoders.image.base import FrozenNetwork
from newt_core.types import FRAME_SIZE, IMAGE_DIM

TINY_NAME = "tiny-random-vit-v1"
"""What checkpoints record of it; other weights would need another name."""
PATCH = 16
"""Rows and columns of a patch."""
WIDTH = 32
"""Entries of a token."""
BLOCKS = 1
HEADS = 2
MEAN = STD = (0.5, 0.5, 0.5)
"""Pixels lie in [-1, 1]."""
SEED = 1
"""Determines the weights."""


class TinyViT(nn.Module):
    """A vision transformer that mixes all of its tokens into the feature.

    A class token would hold little: it is a mean over the picture, in which an untrained network
    all but loses where things are. A random projection of all tokens keeps it.
    """

    def __init__(self) -> None:
        super().__init__()
        tokens = (FRAME_SIZE // PATCH) ** 2
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.position = nn.Parameter(torch.empty(1, tokens, WIDTH))
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    WIDTH,
                    HEADS,
                    2 * WIDTH,
                    dropout=0.0,
                    activation="gelu",
                    batch_first=True,
                    norm_first=True,
                )
                for _ in range(BLOCKS)
            )
        )
        self.token_norm = nn.LayerNorm(WIDTH)
        self.mix = nn.Linear(tokens * WIDTH, IMAGE_DIM)
        self.norm = nn.LayerNorm(IMAGE_DIM)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map [n, 3, 224, 224] to [n, 768]."""
        tokens = self.blocks(self.patches(pictures).flatten(2).mT + self.position)
        out: Tensor = self.norm(self.mix(self.token_norm(tokens).flatten(1)))
        return out


def tiny_encoder(device: torch.device) -> FrozenNetwork:
    """Return the encoder; its weights are the same everywhere."""
    # Built without memory and without touching anybody's random numbers.
    with torch.device("meta"):
        network = TinyViT()
    network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                fan_in = 1 if name == "position" else parameter[0].numel()
                parameter.normal_(std=1 / math.sqrt(fan_in), generator=generator)
            else:
                parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
    return FrozenNetwork(TINY_NAME, network, MEAN, STD, device)
