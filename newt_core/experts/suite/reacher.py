"""Players of the reachers: turn all joints to angles that put the fingertip on the target.

Observation: the joints' angles, the way to the target in x and y, the joints' velocities.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import acos, atan2, cos, hypot, pi, radians, remainder, sin

from newt_core.experts.policy import Policy

LINK, THREE_LINK = 0.12, 0.09
"""Length of each link of the arm of two and of the arm of three, in metres."""
BEND_LIMIT = radians(80.0)
"""How far the upper joints of the arm of three can turn."""
GAIN, DAMPING = 2.0, 0.05
"""From joints' errors and speeds to actions: much more would make so light an arm swing."""


def reach() -> Policy:
    """Reach with two equal links."""

    def act(obs: Sequence[float]) -> Sequence[float]:
        shoulder, wrist, off_x, off_y, shoulder_spin, wrist_spin = obs
        x = LINK * (cos(shoulder) + cos(shoulder + wrist)) + off_x
        y = LINK * (sin(shoulder) + sin(shoulder + wrist)) + off_y
        bend = acos(min(max(hypot(x, y) ** 2 / (2 * LINK * LINK) - 1.0, -1.0), 1.0))
        bend = bend if wrist >= 0 else -bend
        # With equal links the shoulder's direction is half the bend off the target's.
        turn = remainder(atan2(y, x) - bend / 2 - shoulder, 2 * pi)
        return [
            GAIN * turn - DAMPING * shoulder_spin,
            GAIN * (bend - wrist) - DAMPING * wrist_spin,
        ]

    return act


def reach_with_three() -> Policy:
    """Reach with three equal links, the two upper joints bent alike.

    The fingertip is then 1 + 2 cos(bend) links away, in the direction of the middle link. As the
    joints do not bend far enough, the nearest targets cannot be reached.
    """

    def act(obs: Sequence[float]) -> Sequence[float]:
        angles, speeds = obs[0:3], obs[5:8]
        x, y, direction = obs[3], obs[4], 0.0
        for angle in angles:
            direction += angle
            x, y = x + THREE_LINK * cos(direction), y + THREE_LINK * sin(direction)
        bend = acos(min(max((hypot(x, y) / THREE_LINK - 1.0) / 2, cos(BEND_LIMIT)), 1.0))
        bend = bend if angles[1] + angles[2] >= 0 else -bend
        turn = remainder(atan2(y, x) - bend - angles[0], 2 * pi)
        errors = (turn, bend - angles[1], bend - angles[2])
        return [GAIN * error - DAMPING * spin for error, spin in zip(errors, speeds, strict=True)]

    return act
