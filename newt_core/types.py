"""Records that cross layers, and the letters their shapes are written in.

Shapes are given in brackets. The letters mean, everywhere in Newt:

====== ==========================================================================
letter meaning
====== ==========================================================================
E      environments
B      batch rows
K      environments in one (possibly partial) reply of the pool
T      agent steps in an episode
H      planning and training horizon
N      action sequences sampled by the planner
S      padded state dimensions, :data:`STATE_DIM`
A      padded action dimensions, :data:`ACTION_DIM`
F      pictures, or their features, stacked; the oldest first
D      entries of a picture's feature, :data:`IMAGE_DIM`
L      latent dimensions
====== ==========================================================================

This module needs NumPy only: environment workers import it and must stay torch-free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

STATE_DIM = 128
"""Every state vector is zero-padded at its end to this many entries."""
ACTION_DIM = 16
"""Every action vector is zero-padded at its end to this many entries."""
TEXT_DIM = 512
"""Entries of a task's text embedding."""
FRAME_SIZE = 224
"""Rows and columns of the pictures that agents see."""
IMAGE_DIM = 768
"""Entries of a picture's feature (DINOv2 ViT-B/14's class token)."""

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
ByteArray = NDArray[np.uint8]
HalfArray = NDArray[np.float16]


@dataclass(frozen=True)
class Transitions:
    """What the pool returns: one agent step in each of K environments.

    An episode that ends is restarted in the same step: ``obs`` is then the first observation
    of the next episode and ``final_obs`` the last one of the old. Elsewhere both are equal.
    """

    env_ids: IntArray
    """[K] which environments these rows belong to, ascending."""
    obs: FloatArray
    """[K, S] the observation to act on next."""
    final_obs: FloatArray
    """[K, S] the observation that the action led to."""
    reward: FloatArray
    """[K] summed over the action repeat."""
    done: BoolArray
    """[K] the episode reached its fixed length (a truncation: values bootstrap)."""
    success: FloatArray
    """[K] 0 or 1 after the action; NaN or always 0 where the task has no success signal."""
    score: FloatArray
    """[K] the task's normalised score so far; meaningful where ``done``."""
    lost: BoolArray
    """[K] the worker died: discard the unfinished episode; ``obs`` begins a new one."""
    action: FloatArray
    """[K, A] what was executed: clipped to [-1, 1], zero in masked entries."""
    frames: ByteArray | None = None
    """[K, F, 224, 224, 3] RGB pictures up to ``obs``; None where the pool draws none."""
    final_frames: ByteArray | None = None
    """[K, F, 224, 224, 3] pictures up to ``final_obs``; perhaps the same array as ``frames``."""
    features: HalfArray | None = None
    """[K, F, D] features of the pictures up to ``obs``; None where nobody encodes them."""
    final_features: HalfArray | None = None
    """[K, F, D] features of the pictures up to ``final_obs``."""


@dataclass(frozen=True)
class Episode:
    """One whole episode of one task, padded."""

    task: int
    """Index of the task in the run's task list."""
    obs: FloatArray
    """[T + 1, S]."""
    action: FloatArray
    """[T, A]; row t led from ``obs[t]`` to ``obs[t + 1]``."""
    reward: FloatArray
    """[T]."""
    features: HalfArray | None = None
    """[T + 1, D] of the picture at each observation; None for states alone."""


@dataclass(frozen=True)
class Observation:
    """What K environments show, and whose it is: all that an agent acts on."""

    state: FloatArray
    """[K, S]."""
    task: IntArray
    """[K] index of each row's task in the agent's task list."""
    env_ids: IntArray
    """[K] each row's environment, numbered from 0, without repetition."""
    first: BoolArray
    """[K] whether the row begins an episode."""
    features: HalfArray | None = None
    """[K, F, D] features of the frames up to now; None where nobody encodes them."""
    episode: IntArray | None = None
    """[K] the number of each row's episode; None where nobody counts them."""

    def of_rows(self, rows: IntArray) -> Observation:
        """Return some of the rows, in that order."""
        return Observation(
            self.state[rows],
            self.task[rows],
            self.env_ids[rows],
            self.first[rows],
            None if self.features is None else self.features[rows],
            None if self.episode is None else self.episode[rows],
        )


CountProgress = Callable[[int, int], None]
"""Told how many are done and how many there will be."""
TaskProgress = Callable[[str, int, int], None]
"""Told of one task how many are done and how many there will be."""


class Act(Protocol):
    """Chooses actions for K environments."""

    def __call__(self, observation: Observation) -> FloatArray:
        """Return the actions, [K, A]."""
