"""An expert that is pushed about, so that its demonstrations show how it recovers."""

from __future__ import annotations

import numpy as np

from newt_core.specs.schema import TaskSpec
from newt_core.types import Act, FloatArray, Observation


class PerturbedAct:
    """Adds Gaussian noise to an expert's actions; the file records what was done.

    An expert that never errs visits the states of its own path alone. A policy cloned from these
    leaves the path by its first errors, and has never seen the way back. The cloned mean is the
    expert's all the same, because the noise has none (as in DART, Laskey et al. 2017).

    Args:
        act: the expert.
        std: of the noise, on actions in [-1, 1].
        spec: the task that every row is of.
        seed: determines the noise.
    """

    def __init__(self, act: Act, std: float, spec: TaskSpec, seed: int) -> None:
        self._act = act
        self._std = std
        self._mask = spec.action_mask
        self._generator = np.random.default_rng(seed)

    def __call__(self, observation: Observation) -> FloatArray:
        """Return the actions, [K, A]."""
        actions = self._act(observation)
        noise = self._generator.normal(0.0, self._std, actions.shape)
        pushed = np.clip(actions + noise * self._mask, -1.0, 1.0)
        return np.asarray(pushed, np.float32)
