"""Rewards and successes of the tasks, as the library has them.

A goal reads the simulation through views that are made once; places are in metres.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newt_core.envs.domains.robodesk.model import DRAWER_HANDLE

HAND = "end_effector"
"""The site between the fingers."""

SLIDE_RANGE, SLIDE_OPEN = 0.6, 0.55
"""How far the sliding door goes, and from where on it counts as open."""
HANDLE_TO_EDGE = np.array([0.15, 0.0, 0.0])
"""From where the hand should push the sliding door to its handle."""
BLOCKS_AT_REST = 0.33 + 0.33 + 0.34
"""A bonus for blocks left alone. The library compares their places with themselves."""

DRAWER_RANGE, DRAWER_OPEN = 0.3, 0.2
"""How far out the drawer earns its full reward, and from where on it counts as open."""

LIGHT_ON = -0.00453
"""A button's light, which moves with the button, is below this while the button is pressed."""

BIN_X, BIN_Y, BIN_Z = (0.28, 0.52), (0.38, 0.62), (0.0, 0.4)
"""What lies between these is in the bin."""

Place = NDArray[np.float64]


class Goal(NamedTuple):
    """What a task wants of one simulation."""

    reward: Callable[[], float]
    """The reward of the present state, in [0, 1]."""
    success: Callable[[], bool]
    """Whether the task is solved in the present state."""


def open_slide(data: Any) -> Goal:
    """Push the sliding door to its other end."""
    hand, handle = data.site(HAND).xpos, data.site("slide_handle").xpos
    position = data.joint("slide_joint").qpos

    def reward() -> float:
        near = _nearness(hand, handle - HANDLE_TO_EDGE)
        done = 0.75 * (position.item() / SLIDE_RANGE) + 0.25 * near
        return _held(0.9 * done + 0.1 * BLOCKS_AT_REST)

    return Goal(reward, lambda: position.item() > SLIDE_OPEN)


def open_drawer(data: Any) -> Goal:
    """Pull the drawer out."""
    hand, handle = data.site(HAND).xpos, data.geom(DRAWER_HANDLE).xpos
    position = data.joint("drawer_joint").qpos

    def reward() -> float:
        pulled = abs(position.item()) / DRAWER_RANGE
        return _held(0.75 * pulled + 0.25 * _nearness(hand, handle))

    return Goal(reward, lambda: position.item() < -DRAWER_OPEN)


def push(colour: str) -> Callable[[Any], Goal]:
    """Hold down the button of a colour."""

    def goal(data: Any) -> Goal:
        hand, button = data.site(HAND).xpos, data.body(f"{colour}_button").xpos
        light = data.joint(f"{colour}_light").qpos

        def pressed() -> bool:
            return light.item() < LIGHT_ON

        return Goal(lambda: _held(0.25 * pressed() + 0.75 * _nearness(hand, button)), pressed)

    return goal


def put_in_bin(block: str) -> Callable[[Any], Goal]:
    """Drop a block into the bin."""

    def goal(data: Any) -> Goal:
        hand, place = data.site(HAND).xpos, data.body(block).xpos

        def inside() -> bool:
            ranges = zip(place.tolist(), (BIN_X, BIN_Y, BIN_Z), strict=True)
            return all(low < coordinate < high for coordinate, (low, high) in ranges)

        return Goal(lambda: _held(0.5 * _nearness(hand, place) + 0.5 * inside()), inside)

    return goal


GOALS: Mapping[str, Callable[[Any], Goal]] = MappingProxyType(
    {
        "open_slide": open_slide,
        "open_drawer": open_drawer,
        "push_red": push("red"),
        "push_green": push("green"),
        "push_blue": push("blue"),
        "flat_block_in_bin": put_in_bin("flat_block"),
    }
)
"""The library's name of a task → its goal in a simulation, a ``mujoco.MjData``."""


def _nearness(hand: Place, place: Place) -> float:
    """Return 1 where the hand is at ``place``, falling to 0 at a metre from it."""
    offset = hand - place
    return _held(1.0 - math.sqrt(offset.dot(offset)))


def _held(reward: float) -> float:
    """Hold a reward in [0, 1]."""
    return max(0.0, min(1.0, reward))
