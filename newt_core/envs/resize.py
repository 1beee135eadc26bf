"""Resizing pictures as PyTorch's ``interpolate(mode="bilinear", antialias=True)`` does.

Workers do without PyTorch, and a resize is two products with matrices that are made once.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from newt_core.envs.contract import Frame
from newt_core.types import FloatArray

KEPT_SIZES = 16
"""How many pairs of an old and a new size have their weights kept."""


def resize(frame: Frame, height: int, width: int) -> Frame:
    """Return ``frame``, [H, W, 3], as [height, width, 3]: bilinear, antialiased, rounded."""
    old_height, old_width, channels = frame.shape
    if (old_height, old_width) == (height, width):
        return frame
    rows, columns = _weights(old_height, height), _weights(old_width, width)
    # One matrix product for each axis: height first, then, with the axes swapped, width.
    flat = rows @ frame.reshape(old_height, old_width * channels).astype(np.float32)
    upended = flat.reshape(height, old_width, channels).swapaxes(0, 1)
    flat = columns @ upended.reshape(old_width, height * channels)
    picture = flat.reshape(width, height, channels).swapaxes(0, 1)
    rounded: Frame = np.rint(picture).clip(0, 255).astype(np.uint8, order="C")
    return rounded


@lru_cache(maxsize=KEPT_SIZES)
def _weights(old: int, new: int) -> FloatArray:
    """[new, old] how much each old pixel counts in each new one; every row sums to 1.

    Pixels lie at half numbers. A new pixel looks at the old ones within one pixel of its own
    size (of theirs, if it is smaller), with weights that fall linearly to zero.
    """
    ratio = old / new
    reach = max(ratio, 1.0)
    centres = (np.arange(new) + 0.5) * ratio
    distances = np.abs(np.arange(old) + 0.5 - centres[:, None])
    weights = np.maximum(1.0 - distances / reach, 0.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
