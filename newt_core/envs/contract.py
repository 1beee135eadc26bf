"""What a domain provides: a function that builds a :class:`Simulator` from a task spec.

A simulator knows one task's physics, reward and pictures, and nothing of padding, episode
ends or scores. Those rules are the same for every task and live in
:mod:`newt_core.envs.session`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from newt_core.specs.schema import TaskSpec
from newt_core.types import FRAME_SIZE, FloatArray

Frame = NDArray[np.uint8]
"""[height, width, 3] an RGB picture, first row at the top."""


class Outcome(NamedTuple):
    """What one agent step led to."""

    obs: FloatArray
    """[obs_dim] the state after the last repetition of the action; a copy nobody changes."""
    reward: float
    """Summed over the action repeat."""
    success: float
    """0 or 1 after the last repetition. Without a success signal NaN (DMControl) or always 0."""


class Simulator(Protocol):
    """One task's simulation. It never ends an episode by itself."""

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode and return its first observation, [obs_dim] float32.

        Args:
            seed: 32 unsigned bits that determine this episode's randomness, and that of the
                episodes after it up to the next seed. None continues the present stream.
        """

    def step(self, action: FloatArray) -> Outcome:
        """Apply ``action``, [action_dim] float32 in [-1, 1], for one agent step.

        The simulator repeats the action as often as the task's spec says.
        """

    def render(self, height: int = FRAME_SIZE, width: int = FRAME_SIZE) -> Frame:
        """Draw the present state from the task's camera. Must not change the simulation."""

    def close(self) -> None:
        """Release what Python's garbage collection would not."""


@runtime_checkable
class NoticesPictures(Protocol):
    """What a simulator has, beside the rest, whose state depends on being looked at.

    Hardly any does. :meth:`Simulator.render` may be called for a video at any time and changes
    nothing; this is called once for each observation that has a picture.
    """

    def picture_observed(self) -> None:
        """Take note that a picture of the present state went into an observation."""


@runtime_checkable
class KeepsTime(Protocol):
    """What a simulator has, beside the rest, whose physics go by a clock.

    Videos of it play in real time.
    """

    step_seconds: float
    """Simulated seconds that an agent step takes, its action repeat included."""


Builder = Callable[[TaskSpec], Simulator]
"""A domain's entry point. It is called once for each environment."""
