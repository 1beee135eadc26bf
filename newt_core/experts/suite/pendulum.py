"""Players of the pendulum, whose motor is too weak to lift it at once.

Observation: the cosine and the sine of the angle from upright, the angular velocity.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, copysign

from newt_core.experts.policy import Policy

INERTIA = 0.251
"""In kg m²: 1 kg at 0.5 m, and the sphere's own."""
WEIGHT = 4.905
"""Its weight's largest torque, in N m."""


def swing_up() -> Policy:
    """Push along with the motion until the energy is enough to reach upright; hold it there."""

    def act(obs: Sequence[float]) -> Sequence[float]:
        cosine, sine, spin = obs
        angle = atan2(sine, cosine)
        if abs(angle) < 0.4:
            return [-12.0 * angle - 3.0 * spin]
        energy = 0.5 * INERTIA * spin * spin + WEIGHT * (cosine - 1.0)
        return [-4.0 * energy * copysign(1.0, spin)]

    return act


def spin() -> Policy:
    """Always push along with the motion."""
    return lambda obs: [copysign(1.0, obs[2])]
