"""Frames in the size that the benchmark's image encoder reads."""

from __future__ import annotations

import numpy as np
from PIL import Image

from newt_core.envs.contract import Frame


def resize(frame: Frame, height: int, width: int) -> Frame:
    """Return ``frame``, [h, w, 3], in another size: [height, width, 3].

    Bilinear with antialiasing: when shrinking, the filter widens so that every source pixel
    counts. Pixel centres lie at half-integers. Equals PyTorch's ``interpolate(mode="bilinear",
    antialias=True, align_corners=False)``, rounded, within one of 255 levels.
    """
    if frame.shape[:2] == (height, width):
        return frame
    # Pillow's "bilinear" is the antialiased one; it rounds between its two passes.
    image = Image.fromarray(np.ascontiguousarray(frame))
    return np.array(image.resize((width, height), Image.Resampling.BILINEAR))
