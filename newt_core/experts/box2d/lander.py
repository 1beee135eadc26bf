"""Players of the lander: choose an acceleration, tilt towards it, burn as much as it takes."""

from __future__ import annotations

from collections.abc import Sequence

from newt_core.envs.domains.box2d.lander import HALF_SIZE, TURN_SCALE, VELOCITY_SCALE
from newt_core.experts.policy import Policy

GRAVITY = 10.0
FULL_THRUST = 18.0
"""Acceleration, in units per second squared, that the main engine gives at full power."""
MOST_TILT = 0.4
"""Radians."""


def hover() -> Policy:
    """Fly to the target and stay there."""

    def act(obs: Sequence[float]) -> Sequence[float]:
        way_x, way_y = HALF_SIZE * obs[8], HALF_SIZE * obs[9]
        speed_x, speed_y = obs[2] / VELOCITY_SCALE, obs[3] / VELOCITY_SCALE
        return _fly(obs, 2.0 * way_x - 2.5 * speed_x, 4.0 * way_y - 4.0 * speed_y)

    return act


def land() -> Policy:
    """Fall towards the pad's middle, brake late, and leave everything off once a foot is down."""

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, height = HALF_SIZE * obs[0], HALF_SIZE * obs[1]
        speed_x, speed_y = obs[2] / VELOCITY_SCALE, obs[3] / VELOCITY_SCALE
        if obs[6] or obs[7]:
            return [-1.0, 0.0]
        # The speed from which the engine can still brake, and little at the end.
        wanted = -0.3 - 1.0 * max(height, 0.0)
        return _fly(obs, -1.5 * x - 2.5 * speed_x, 6.0 * (wanted - speed_y))

    return act


def _fly(obs: Sequence[float], right: float, up: float) -> Sequence[float]:
    """Return the action that comes close to an acceleration, in units per second squared."""
    angle, spin = obs[4], obs[5] / TURN_SCALE
    tilt = min(max(-right / GRAVITY, -MOST_TILT), MOST_TILT)
    turn = 10.0 * (tilt - angle) - 6.0 * spin
    power = (GRAVITY + up) / FULL_THRUST
    # The engine runs at half power at least: below, it is on for as many steps as it takes.
    return [2.0 * power - 1.0 if power >= 0.5 else (0.01 if power > 0.25 else -1.0), -turn]
