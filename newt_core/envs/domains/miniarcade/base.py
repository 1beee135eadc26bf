"""What all games share: the order of a step, randomness, and drawing on demand.

The canvas is 224 by 224 pixels, x to the right and y down; a step is the unit of time, so that
speeds are in pixels per step unless a game says otherwise. State is kept in plain Python
numbers: for a handful of values they are several times as fast as arrays.
"""

from __future__ import annotations

import os
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import ClassVar

import numpy as np

from newt_core.envs.contract import Frame, Outcome
from newt_core.types import FloatArray

SIZE = 224
"""Side of the canvas, in pixels."""
INNER_LOW, INNER_HIGH = 20.0, 204.0
"""Bounds, on both axes, of the square in which several games take place."""
INNER_SIDE = INNER_HIGH - INNER_LOW


class Game(ABC):
    """One game as a :class:`~newt_core.envs.contract.Simulator`.

    A game's class gives the four methods below, which a step calls in this order: ``_advance``,
    ``_reward``, ``_settle`` (with the step already counted) and ``_observe``.

    What never enters an observation or a reward is drawn from randomness of its own: ``look`` is
    one number per episode, from which a picture derives all that is random in it. A picture
    therefore depends on nothing but the state, ``look`` and ``t``.
    """

    painter: ClassVar[str]
    """Name of the module in ``draw/`` that draws the game, with its class ``<Game>Painter``."""

    def __init__(self) -> None:
        self.t = 0
        """Steps finished since the reset."""
        self.look = 0
        """32 bits that determine the episode's looks."""
        self._random = random.Random()
        self._looks = random.Random()
        self._paint: Callable[[Game, int, int], Frame] | None = None

    @abstractmethod
    def _begin(self) -> None:
        """Set the state at the start of an episode."""

    @abstractmethod
    def _advance(self, action: list[float]) -> None:
        """Apply the physics and rules of one step; each action's entry is in [-1, 1]."""

    @abstractmethod
    def _reward(self) -> float:
        """Return the reward of the step that ``_advance`` has just made."""

    def _settle(self) -> None:  # noqa: B027 (an optional hook)
        """Do what comes after a step is counted; most games have nothing to do."""

    @abstractmethod
    def _observe(self) -> Sequence[float]:
        """Return the observation's entries."""

    def _success(self) -> float:
        """Return 1 where the task is solved right now; only mazes have a success signal."""
        return 0.0

    def reset(self, seed: int | None) -> FloatArray:
        """Begin an episode; a seed determines it and those that follow without one."""
        if seed is not None:
            self._random.seed(int(seed))
            self._looks.seed(f"looks {int(seed)}")
        self.t = 0
        self.look = self._looks.getrandbits(32)
        self._begin()
        return np.array(self._observe(), dtype=np.float32)

    def step(self, action: FloatArray) -> Outcome:
        """Make one step with ``action``, [action_dim] in [-1, 1]."""
        self._advance(action.tolist())
        reward = self._reward()
        self.t += 1
        self._settle()
        return Outcome(np.array(self._observe(), dtype=np.float32), reward, self._success())

    def render(self, height: int = SIZE, width: int = SIZE) -> Frame:
        """Draw the present state; the first call imports pygame."""
        if self._paint is None:
            # pygame greets on standard output, which belongs to the commands' results.
            os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
            module = import_module(f"{__package__}.draw.{self.painter}")
            self._paint = getattr(module, f"{type(self).__name__}Painter")().frame
        return self._paint(self, height, width)

    def close(self) -> None:
        """Let go of the surfaces."""
        self._paint = None


def clip(value: float, low: float, high: float) -> float:
    """Return ``value`` held within [low, high]."""
    return low if value < low else high if value > high else value


def overlap(x1: float, y1: float, w1: int, h1: int, x2: float, y2: float, w2: int, h2: int) -> bool:
    """Whether two boxes (left, top, width, height) overlap on the grid of whole pixels.

    Corners are truncated toward zero first. Boxes that only touch do not overlap.
    """
    left1, top1, left2, top2 = int(x1), int(y1), int(x2), int(y2)
    return left1 < left2 + w2 and left2 < left1 + w1 and top1 < top2 + h2 and top2 < top1 + h1
