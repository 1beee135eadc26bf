"""Players of the cup with a ball on a string.

Observation: the positions of cup and ball in x and z, each from its own origin, then velocities.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

from newt_core.experts.policy import Policy

ORIGINS_APART = 0.35
"""How far above the ball's origin lies the inside of the cup, in metres."""
BELOW = -0.15
"""Metres above the cup's inside down to which a ball that is thrown up may be caught."""
ROUND, PULL = 20, 9
"""Steps of a try to throw the ball up, and those at its end in which the cup is pulled up."""
AGAINST, TOWARDS, DAMPING = -2.8, 37.0, 0.8
"""From the ball's offset in x to the action, before it flies and while it does."""
CIRCLES = 2.3 * 2 * pi * 0.04
"""Radians that a circling cup covers at each step of 0.04 s: 2.3 rounds a second."""


def catch() -> Policy:
    """Pull the cup up to throw the ball; keep under the ball while it is above; try again."""
    step = 0

    def act(obs: Sequence[float]) -> Sequence[float]:
        nonlocal step
        cup_x, cup_z, ball_x, ball_z, cup_speed, _, ball_speed, _ = obs
        off = ball_x - cup_x
        if ball_z - cup_z - ORIGINS_APART > BELOW:
            step = 0
            return [TOWARDS * off + DAMPING * (ball_speed - cup_speed), 0.0]
        step += 1
        return [AGAINST * off, 1.0 if step % ROUND >= ROUND - PULL else -1.0]

    return act


def spin() -> Policy:
    """Move the cup in circles, so fast that the ball leaves it and goes round."""
    step = 0

    def act(obs: Sequence[float]) -> Sequence[float]:
        nonlocal step
        step += 1
        return [1.5 * cos(CIRCLES * step), 1.5 * sin(CIRCLES * step)]

    return act
