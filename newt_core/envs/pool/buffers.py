"""The memory that the pool and its workers share.

One anonymous file, mapped by the parent and by every worker. It has no name in the file
system, so the operating system frees it when the last process is gone, however that ended.

Who writes what: the parent writes an environment's ``action`` before it asks the worker for a
step; the worker writes that environment's other rows before it answers. Nobody touches a row
while it is the other side's turn, hence there are no locks.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newt_core.types import ACTION_DIM, FRAME_SIZE, STATE_DIM, BoolArray, ByteArray, FloatArray

if TYPE_CHECKING:
    from newt_core.envs.pool.api import EpisodeNumbers

_ALIGNMENT = 64
"""Bytes; arrays start on cache lines of their own, so that processes do not slow each other."""

NO_ENV = -1
"""In ``current_env``: the worker is not inside a simulator."""


class PoolShape(NamedTuple):
    """What the sizes of the shared arrays follow from."""

    num_envs: int
    """E."""
    num_workers: int
    """W."""
    frames: int
    """F, pictures kept of each environment; 0 for states alone."""


@dataclass(frozen=True)
class SharedArrays:
    """Views into the shared memory; W is the number of workers."""

    action: FloatArray
    """[E, A] finite and within [-1, 1]."""
    run_seed: NDArray[np.uint64]
    """[1] what the seeds of all episodes are derived from."""
    episode: NDArray[np.int64]
    """[E] number of the environment's next episode in its series."""
    series: NDArray[np.int64]
    """[E] the series of episodes that the environment runs."""
    stride: NDArray[np.int64]
    """[E] from the number of one of its episodes to the next."""
    obs: FloatArray
    """[E, S] the observation to act on next; the padding stays zero."""
    final_obs: FloatArray
    """[E, S] the observation that the last action led to."""
    reward: FloatArray
    """[E] of the last action."""
    done: BoolArray
    """[E] the last action ended its episode."""
    success: FloatArray
    """[E] after the last action."""
    score: FloatArray
    """[E] after the last action."""
    frames: ByteArray
    """[E, F, 224, 224, 3] pictures up to ``obs``, the newest last."""
    final_frames: ByteArray
    """[E, F, 224, 224, 3] pictures up to ``final_obs``, where ``done``; elsewhere ``frames``
    has them, and copying 150 kB per picture twice would be waste."""
    eager: BoolArray
    """[1] the parent waits for fewer environments than are under way: report each at once."""
    current_env: NDArray[np.int32]
    """[W] the environment a worker is inside of, or ``NO_ENV``."""
    progress: NDArray[np.int64]
    """[W] rises whenever a worker finishes an operation on an environment."""

    def number(self, episodes: EpisodeNumbers) -> None:
        """Say which episodes the environments run from their next reset on."""
        self.series[:] = episodes.series
        self.episode[:] = episodes.first
        self.stride[:] = episodes.stride


def create(shape: PoolShape) -> tuple[int, SharedArrays]:
    """Make zero-filled shared memory and return its file descriptor and the views.

    The caller owns the descriptor; the views stay valid after it is closed.
    """
    size = _size(shape)
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("newt-pool")
    else:  # macOS: a file that is unlinked as soon as it exists
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor, attach(descriptor, shape)


def attach(descriptor: int, shape: PoolShape) -> SharedArrays:
    """Map the shared memory behind a file descriptor."""
    memory = mmap.mmap(descriptor, _size(shape))
    views: dict[str, Any] = {
        name: np.ndarray(sizes, dtype, memory, offset)
        for name, sizes, dtype, offset, _ in _layout(shape)
    }
    return SharedArrays(**views)


def _size(shape: PoolShape) -> int:
    end = max(end for *_, end in _layout(shape))
    return -(-end // _ALIGNMENT) * _ALIGNMENT


def _layout(
    shape: PoolShape,
) -> Iterator[tuple[str, tuple[int, ...], np.dtype[Any], int, int]]:
    """Yield name, shape, type, first byte and end of every array."""
    num_envs, num_workers, frames = shape
    picture = (frames, FRAME_SIZE, FRAME_SIZE, 3)
    fields: tuple[tuple[str, tuple[int, ...], type], ...] = (
        ("action", (num_envs, ACTION_DIM), np.float32),
        ("run_seed", (1,), np.uint64),
        ("episode", (num_envs,), np.int64),
        ("series", (num_envs,), np.int64),
        ("stride", (num_envs,), np.int64),
        ("obs", (num_envs, STATE_DIM), np.float32),
        ("final_obs", (num_envs, STATE_DIM), np.float32),
        ("reward", (num_envs,), np.float32),
        ("done", (num_envs,), np.bool_),
        ("success", (num_envs,), np.float32),
        ("score", (num_envs,), np.float32),
        ("eager", (1,), np.bool_),
        ("current_env", (num_workers,), np.int32),
        ("progress", (num_workers,), np.int64),
        ("frames", (num_envs, *picture), np.uint8),
        ("final_frames", (num_envs, *picture), np.uint8),
    )
    start = 0
    for name, sizes, kind in fields:
        dtype: np.dtype[Any] = np.dtype(kind)
        end = start + int(np.prod(sizes)) * dtype.itemsize
        yield name, sizes, dtype, start, end
        start = -(-end // _ALIGNMENT) * _ALIGNMENT
