"""What a search for a stored expert varies: which weights, from where, in which units.

The observation's entries are measured in their own standard deviations, so that one step size
suits all weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from newt_core.experts.rhythm import CLOCK_FEATURES, Rhythm
from newt_core.specs.schema import TaskSpec

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Where a body's observation says what."""

    joints: tuple[tuple[int, ...], ...]
    """For each actuator, the entries that say where its joint is and how fast it moves."""
    torso: tuple[int, ...]
    """The entries that say how the torso is held and how it moves, and what is touched."""


def _in_order(position: int, speed: int, count: int) -> tuple[tuple[int, ...], ...]:
    """Return the joints of a body whose actuators have the order of its joints."""
    return tuple((position + joint, speed + joint) for joint in range(count))


CHEETAH = Layout(_in_order(2, 11, 6), (0, 1, 8, 9, 10))
LAYOUTS: Mapping[str, Layout] = {
    "cheetah": CHEETAH,
    "fish": Layout(((),) * 5, (7, 8, 9, 10)),
    "giraffe": Layout((*_in_order(3, 13, 6), (2, 12)), (0, 1, 11)),
    "hopper": Layout(_in_order(2, 9, 4), (0, 1, 8, 13, 14)),
    "quadruped": Layout(
        tuple(
            (4 * leg + joint, 16 + 4 * leg + joint, 32 + 3 * leg + joint)
            for leg in range(4)
            for joint in range(3)
        ),
        (44, 46, 47),
    ),
    "spinner": Layout(_in_order(2, 10, 5), (0, 9)),
    "spinner of four": Layout(_in_order(2, 9, 4), (0, 8)),
    "walker": Layout(tuple((2 * j + 2, 2 * j + 3, 18 + j) for j in range(6)), (0, 1, 14, 17)),
    "Ant-v4": Layout(tuple((5 + (i - 2) % 8, 19 + (i - 2) % 8) for i in range(8)), (0, 2, 3)),
    "HalfCheetah-v4": CHEETAH,
    "Hopper-v4": Layout(_in_order(2, 8, 3), (0, 1, 7)),
    "Walker2d-v4": Layout(_in_order(2, 11, 6), (0, 1, 10)),
    "MS-AntRun-v1": Layout(_in_order(0, 8, 8), ()),
    "MS-AntWalk-v1": Layout(_in_order(0, 8, 8), ()),
    "MS-HopperHop-v1": Layout(((3, 10), (4, 11), (2, 9), (5, 12)), (0, 1, 8, 13, 14)),
    "MS-HopperStand-v1": Layout(((3, 10), (4, 11), (2, 9), (5, 12)), (0, 1, 8, 13, 14)),
}
"""Body, or environment → its layout."""


REFLEXES: Mapping[str, tuple[int, tuple[float, ...]]] = {
    "cheetah-jump": (9, (5.0, -5.0, 5.0, -5.0, 5.0, 5.0)),
}
"""Task → an entry of the observation, and each actuator's weight of it: where its search begins.

The cheetah jumps by pushing as long as it rises. Of all signs of its six actuators, these kept it
upright for 200 steps.
"""
RELATED: Mapping[str, tuple[str, ...]] = {
    "cheetah-run-backward": ("cheetah-run",),
    "cheetah-run-front": ("cheetah-run",),
    "cheetah-run-back": ("cheetah-run", "cheetah-run-front"),
    "walker-walk": ("walker-stand",),
    "walker-run": ("walker-walk",),
    "walker-walk-backward": ("walker-walk", "walker-stand"),
    "walker-run-backward": ("walker-walk-backward", "walker-walk"),
    "walker-walk-incline": ("walker-walk",),
    "walker-arabesque": ("walker-stand",),
    "hopper-hop": ("hopper-stand",),
    "hopper-hop-backward": ("hopper-hop", "hopper-stand"),
    "spinner-spin-backward": ("spinner-spin",),
    "spinner-jump": ("spinner-spin",),
    "spinner-jump-four": ("spinner-spin-four",),
    "quadruped-run": ("quadruped-walk",),
    "finger-turn-hard": ("finger-turn-easy",),
}
"""Task → those whose controllers are worth a try."""


def body_of(spec: TaskSpec) -> str:
    """Return what a task's body is called here."""
    body = str(spec.env.get("domain_name") or spec.env.get("id"))
    return "spinner of four" if (body, spec.action_dim) == ("spinner", 4) else body


@dataclass(frozen=True)
class Space:
    """The vectors of a search, and the controllers that they stand for."""

    base: Vector
    """[A, F] the weights, in units of the observation's standard deviations."""
    base_rate: float
    free: NDArray[np.bool_]
    """[A, F] which of the weights are varied."""
    mean: Vector
    scale: Vector
    """[O] of the observation's entries."""

    @property
    def start(self) -> Vector:
        """The vector of the base."""
        return np.append(self.base[self.free], 0.0)

    def rhythm(self, vector: Vector) -> Rhythm:
        """Return the controller that a vector stands for; its last entry scales the rate."""
        weights = self.base.copy()
        weights[self.free] = vector[:-1]
        weights[:, CLOCK_FEATURES:] /= self.scale
        weights[:, 0] -= weights[:, CLOCK_FEATURES:] @ self.mean
        rate = float(np.clip(self.base_rate * np.exp(vector[-1]), 1e-3, np.pi))
        return Rhythm(weights.astype(np.float32), rate)

    def around(self, rhythm: Rhythm, free: NDArray[np.bool_]) -> Space:
        """Return the space around a controller."""
        weights = rhythm.weights.astype(np.float64)
        weights[:, 0] += weights[:, CLOCK_FEATURES:] @ self.mean
        weights[:, CLOCK_FEATURES:] *= self.scale
        return replace(self, base=weights, base_rate=rhythm.rate, free=free)


def reflex(spec: TaskSpec) -> Rhythm:
    """Return the controller of :data:`REFLEXES`, whose clock runs without an effect."""
    entry, weights = REFLEXES[spec.id]
    matrix = np.zeros((spec.action_dim, CLOCK_FEATURES + spec.obs_dim), np.float32)
    matrix[:, CLOCK_FEATURES + entry] = weights
    return Rhythm(matrix, rate=0.1)


def structured(spec: TaskSpec) -> NDArray[np.bool_]:
    """Return where an actuator follows its oscillator, its own joint, and the torso; [A, F].

    Everything, for a body without a layout.
    """
    layout = LAYOUTS.get(body_of(spec))
    if layout is None:
        return everything(spec)
    free = np.zeros((spec.action_dim, CLOCK_FEATURES + spec.obs_dim), np.bool_)
    free[:, :3] = True
    for actuator, entries in enumerate(layout.joints):
        free[actuator, [CLOCK_FEATURES + entry for entry in entries]] = True
    free[:, [CLOCK_FEATURES + entry for entry in layout.torso]] = True
    return free


def everything(spec: TaskSpec) -> NDArray[np.bool_]:
    """Return all weights as free; [A, F]."""
    return np.ones((spec.action_dim, CLOCK_FEATURES + spec.obs_dim), np.bool_)


def reversed_in_time(rhythm: Rhythm) -> Rhythm:
    """Return a controller whose clock runs backward."""
    weights = rhythm.weights.copy()
    weights[:, 2:CLOCK_FEATURES:2] *= -1
    return Rhythm(weights, rhythm.rate)
