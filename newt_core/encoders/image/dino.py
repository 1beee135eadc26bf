"""DINOv2 ViT-B/14 through timm: the class token after the last norm, 768 entries.

Newt, section 3 (Oquab et al., 2023, "DINOv2"). The weights come from a file, either timm's
(``model.safetensors`` of ``vit_base_patch14_dinov2.lvd142m``) or the original
(``dinov2_vitb14_pretrain.pth``); both hold the same numbers under other names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from newt_core.encoders.image.base import FrozenNetwork
from newt_core.encoders.library import import_library
from newt_core.encoders.weights import load_tensors, locate, verify
from newt_core.errors import WeightsError, in_short
from newt_core.types import FRAME_SIZE

DINOV2 = "dinov2"
"""What its recorded names begin with."""
ARCHITECTURE = "vit_base_patch14_dinov2.lvd142m"
"""timm's name of the network."""
WEIGHTS_NAME = "dinov2-vit-b-14"
"""What 'newt weights' calls the file."""
MEAN = (0.485, 0.456, 0.406)
"""ImageNet's mean of red, green and blue, which DINOv2 was trained with."""
STD = (0.229, 0.224, 0.225)
"""ImageNet's standard deviation of each."""
DIGEST = 12
"""Hexadecimal digits of the weights' hash that the encoder's name carries."""


def dinov2(weights: Path | None, device: torch.device) -> FrozenNetwork:
    """Load the encoder.

    Its name carries a hash of the weights, so that a checkpoint knows which it was trained with.

    Args:
        weights: The user's own file; None for the one that Newt knows.
        device: Where to run it.

    Raises:
        WeightsError: The file is missing, damaged or holds another network's weights.
        MissingDependencyError: timm cannot be imported.
    """
    path = locate(WEIGHTS_NAME, weights)
    if weights is None:
        verify(WEIGHTS_NAME, path)
    tensors = load_tensors(path)
    network = vit()
    _load(network, tensors, path)
    return FrozenNetwork(f"{DINOV2}@{digest(network)}", ClassToken(network), MEAN, STD, device)


def vit() -> nn.Module:
    """Return the network for pictures of 224 by 224, 16 by 16 patches, without memory yet.

    Drawing 86 million initial weights, to be overwritten, would take longer than reading a file.

    Raises:
        MissingDependencyError: timm, or torchvision that it imports, does not work here.
    """
    timm = import_library("timm", "the image encoder dinov2")
    with torch.device("meta"):
        network: nn.Module = timm.create_model(
            ARCHITECTURE, pretrained=False, num_classes=0, img_size=FRAME_SIZE
        )
    return network


class ClassToken(nn.Module):
    """A vision transformer's class token after its last norm: [n, 3, 224, 224] → [n, 768]."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the first of the network's normalised tokens."""
        tokens: Tensor = self.network.forward_features(pictures)
        return tokens[:, 0]


def digest(network: nn.Module) -> str:
    """Return a hash of a network's weights that does not depend on the file they came from.

    Positions are left out: they were resampled to our picture size, not alike on every machine.
    """
    total = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if "pos_embed" not in name:
            total.update(name.encode())
            total.update(np.ascontiguousarray(tensor.float().numpy()).tobytes())
    return total.hexdigest()[:DIGEST]


def _load(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

    assert isinstance(network, VisionTransformer)
    try:
        # Renames the original's weights, and resamples positions from pictures of 518 by 518.
        state = checkpoint_filter_fn({k: v.float() for k, v in tensors.items()}, network)
        network.load_state_dict(state, assign=True)
    except Exception as error:  # timm fails in any way on weights it was not made for
        reason = in_short(error, last=True)
        raise WeightsError(f"{path}: not the weights of DINOv2 ViT-B/14: {reason[:120]}") from error
