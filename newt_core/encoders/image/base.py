"""Image encoders: what one is, how pictures are fed to a network, and which there are.

Pictures travel as bytes up to the encoder's device; there they become normalised numbers. What
comes back is small and in half precision, the form in which the replay buffer keeps it, so that
an agent learns from exactly the numbers that it acted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from newt_core.types import FRAME_SIZE, IMAGE_DIM, ByteArray, HalfArray

BATCH = {"cpu": 1, "cuda": 256}
"""Pictures per pass through a network.

The last bits of a feature depend on how many pass together. On a CPU each passes alone, so that a
run that was interrupted sees what an unbroken one sees, to the bit. A GPU wants many at once.
"""


class ImageEncoder(Protocol):
    """Turns pictures into feature vectors; its weights never change."""

    @property
    def name(self) -> str:
        """What checkpoints record: equal names give equal vectors, up to rounding."""

    def encode(self, frames: ByteArray) -> HalfArray:
        """Map RGB pictures [n, 224, 224, 3] to [n, 768]; rows do not depend on each other."""


class FrozenNetwork:
    """An :class:`ImageEncoder` around a network that is never trained.

    Args:
        name: See :class:`ImageEncoder`.
        network: Maps normalised pictures [n, 3, 224, 224] to features [n, 768].
        mean: Of red, green and blue in [0, 1], subtracted from every pixel.
        std: Divides what is left.
        device: Where it runs; on a GPU its matrix products are in bfloat16.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ) -> None:
        self.name = name
        self.device = device
        self._network = network.eval().requires_grad_(False).to(device)
        # (x / 255 - mean) / std in one multiplication and one addition.
        scale = 1 / (255 * torch.tensor(std, dtype=torch.float64))
        shift = -torch.tensor(mean, dtype=torch.float64) * 255 * scale
        self._scale = scale.float().view(3, 1, 1).to(device)
        self._shift = shift.float().view(3, 1, 1).to(device)

    def normalise(self, frames: Tensor) -> Tensor:
        """Map uint8 pictures [n, 224, 224, 3] to [n, 3, 224, 224] float32."""
        return torch.addcmul(self._shift, frames.permute(0, 3, 1, 2).float(), self._scale)

    @torch.inference_mode()
    def encode(self, frames: ByteArray) -> HalfArray:
        """See :class:`ImageEncoder`.

        Raises:
            ValueError: The pictures have another shape or type.
        """
        if frames.shape[1:] != (FRAME_SIZE, FRAME_SIZE, 3) or frames.dtype != np.uint8:
            raise ValueError(
                f"pictures must be uint8 [n, {FRAME_SIZE}, {FRAME_SIZE}, 3], got "
                f"{frames.dtype} {list(frames.shape)}"
            )
        if not len(frames):
            return np.zeros((0, IMAGE_DIM), np.float16)
        kind = self.device.type
        pictures = torch.from_numpy(np.ascontiguousarray(frames)).split(BATCH.get(kind, 64))
        with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
            features = [self._network(self.normalise(some.to(self.device))) for some in pictures]
        return np.asarray(torch.cat(features).to("cpu", torch.float16).numpy())
