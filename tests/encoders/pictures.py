"""Pictures and a stand-in for an encoder, for tests of what reads them."""

from __future__ import annotations

import numpy as np

from newt_core.types import FRAME_SIZE, IMAGE_DIM, ByteArray, HalfArray


def pictures(count: int, seed: int = 0) -> ByteArray:
    """Random pictures, [count, 224, 224, 3]."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, FRAME_SIZE, FRAME_SIZE, 3), dtype=np.uint8)


class CornerEncoder:
    """Sees the red of one pixel; remembers how many pictures each call brought."""

    name = "corner"

    def __init__(self) -> None:
        self.calls: list[int] = []

    def encode(self, frames: ByteArray) -> HalfArray:
        self.calls.append(len(frames))
        features = np.zeros((len(frames), IMAGE_DIM), np.float16)
        features[:] = frames[:, 100, 100, 0, None]
        return features
