"""Players of the bodies that are a hub with limbs, the jumper and the spinners.

Observation: the torso's height and pitch, the limbs' angles; then the velocities of the torso in
x, z and pitch, and of the limbs. A limb is a spring.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, cos, pi, sin

from newt_core.experts.policy import Policy

APART = 2 * pi / 5
"""Angle from a place for a limb to the next."""
GAIN = 4.0


def bounce() -> Policy:
    """Push the limbs to the ground while rising and pull them up while falling.

    So each landing adds to the springs' energy.
    """
    return _bounce(first=0)


def bounce_on_legs() -> Policy:
    """Do the same with the jumper's two legs, which are a spinner's third and fourth limb."""
    return _bounce(first=2)


def _bounce(first: int) -> Policy:
    def act(obs: Sequence[float]) -> Sequence[float]:
        limbs = (len(obs) - 5) // 2
        pitch, rising = obs[1], obs[3 + limbs]
        angles = [pitch + APART * (first + limb) for limb in range(limbs)]
        return [GAIN * sin(angle) * copysign(1.0, rising) for angle in angles]

    return act


def roll() -> Policy:
    """Roll forward: bounce, with a lean that the hub's spin shifts. Searched by CMA-ES."""
    return _roll(forward=1.0)


def roll_backward() -> Policy:
    """Do the same in the mirror."""
    return _roll(forward=-1.0)


def _roll(forward: float) -> Policy:
    def act(obs: Sequence[float]) -> Sequence[float]:
        limbs = (len(obs) - 5) // 2
        pitch, rising, spin = obs[1], copysign(1.0, obs[3 + limbs]), obs[4 + limbs] * forward
        actions = []
        for limb in range(limbs):
            angle, speed = pitch + APART * limb, obs[5 + limbs + limb]
            across, along = sin(angle), cos(angle) * forward
            bounce = (-2.05 * across - 5.37 * along) * rising
            lean = (1.33 * spin - 0.71) * across + (0.15 * spin + 0.47) * along
            actions.append(bounce + lean + 1.38 * speed)
        return actions

    return act
