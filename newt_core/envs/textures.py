"""Memory of textures, which nobody needs where nothing is rendered.

They are most of what a MuJoCo environment takes: 12 MB for the sky of a DMControl model, 5 to
11 MB for a Meta-World table.
"""

from __future__ import annotations

import ctypes
import mmap
import os

import numpy as np
from numpy.typing import NDArray

_RENDERING_OFF = ("disable", "disabled", "off", "false", "0")
"""Values of ``MUJOCO_GL`` with which nothing can be rendered, as in the pool's workers."""


def release_if_unused(texels: NDArray[np.uint8]) -> None:
    """Give a model's texture memory back to the system if rendering is switched off.

    The pages read as zeros from then on; the physics does not look at them.

    Args:
        texels: a view of the model's own memory, ``mujoco.MjModel.tex_data``.
    """
    if os.environ.get("MUJOCO_GL", "").lower() not in _RENDERING_OFF:
        return
    if not hasattr(mmap, "MADV_DONTNEED"):
        return
    address = texels.ctypes.data
    start = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    length = (address + texels.nbytes - start) // mmap.PAGESIZE * mmap.PAGESIZE
    if length > 0:
        ctypes.CDLL(None).madvise(
            ctypes.c_void_p(start), ctypes.c_size_t(length), mmap.MADV_DONTNEED
        )
