"""The player of ManiSkill's cartpole, whose action shifts the cart.

Observation: the cart's position, the pole's angle from upright, both velocities, and more.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, remainder

from newt_core.experts.policy import Policy

NEAR, NEAR_ENERGY = 0.8, 0.6
"""Radians from upright, and energy off upright's, within which the linear regulator takes over."""
WEIGHT_PER_INERTIA = 14.7
"""The pole's weight's largest torque over its moment of inertia, 3 g / 2 l, in 1/s²."""


def balance() -> Policy:
    """Pump energy while the pole hangs; near upright, apply a linear regulator's gains.

    The gains solve the Riccati equation of a linear model that was fitted to steps near upright,
    for costs (1, 5, 0.01, 0.05; 0.3).
    """

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, angle, speed, spin = obs[0], remainder(obs[1], 2 * pi), obs[2], obs[3]
        # In units of the weight's largest torque; 0 where it is enough to reach upright.
        energy = 0.5 * spin * spin / WEIGHT_PER_INERTIA + cos(angle) - 1.0
        if abs(angle) < NEAR and abs(energy) < NEAR_ENERGY:
            return [0.31 * x + 1.7 * angle + 0.416 * speed + 0.393 * spin]
        return [0.1 * energy * spin * cos(angle) - 0.1 * x - 0.01 * speed]

    return act
