"""Players of the ant: a trot that can go in any direction without turning the body.

Legs stand crosswise. In each direction of travel a leg moves its foot back by its hip as far as
it stands across that direction, by its ankle as far as it stands along it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, cos, dist, pi, sin
from typing import NamedTuple

from newt_core.envs.domains.ogbench.mazes import Maze
from newt_core.envs.domains.ogbench.rewards import MAZE_SCALE
from newt_core.experts.ogbench.route import Route
from newt_core.experts.policy import Policy

LEGS = tuple(pi / 4 + pi / 2 * leg for leg in range(4))
"""Directions of the legs 1 to 4 from the body, counter-clockwise from its front."""
ANKLE_SIGNS = (1.0, -1.0, -1.0, 1.0)
"""Of the angles that bend the legs 1 to 4 downwards."""
MOTOR_LEGS = (3, 0, 1, 2)
"""The legs, counted from 0, in the order of the motors."""


class Trot(NamedTuple):
    """A gait; angles in radians."""

    frequency: float
    """Steps per second, a step being one of each leg."""
    hip: float
    """Largest swing of a hip."""
    ankle: float
    """Middle of the ankles' swing."""
    lift: float
    """By how much a leg that is in the air is bent less."""
    reach: float
    """Largest swing of an ankle along the direction of travel."""
    delay: float
    """Phase by which that swing comes later than the hip's."""
    gain: float
    damping: float
    """From the joints' errors and speeds to torques."""


class Legs:
    """Moves the legs, decision by decision, for one episode.

    Args:
        trot: the gait.
        seconds: between two decisions.
    """

    def __init__(self, trot: Trot, seconds: float) -> None:
        self._trot = trot
        self._advance = 2 * pi * trot.frequency * seconds
        self._phase = 0.0

    def go(
        self,
        way: float,
        quaternion: Sequence[float],
        joints: Sequence[float],
        speeds: Sequence[float],
    ) -> Sequence[float]:
        """Return the action [8] that walks in the world's direction ``way``, in radians.

        Args:
            way: where to.
            quaternion: [4] the torso's orientation.
            joints: [8] angles, hip and ankle of the legs 1 to 4.
            speeds: [8] their velocities.
        """
        trot = self._trot
        self._phase += self._advance
        w, x, y, z = quaternion
        heading = atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        torques = []
        for leg in MOTOR_LEGS:
            # A foot is on the ground while the sine is positive.
            phase = self._phase + pi * (leg % 2)
            across, along = sin(LEGS[leg] + heading - way), cos(LEGS[leg] + heading - way)
            hip = -trot.hip * across * cos(phase)
            bend = (
                trot.ankle + trot.lift * sin(phase) - trot.reach * along * cos(phase + trot.delay)
            )
            ankle = ANKLE_SIGNS[leg] * bend
            for joint, aim in ((2 * leg, hip), (2 * leg + 1, ankle)):
                torques.append(trot.gain * (aim - joints[joint]) - trot.damping * speeds[joint])
        return torques


TROT = Trot(1.271, 0.608, 0.557, 0.387, 0.481, -0.182, 5.416, 0.418)
"""Found by the cross-entropy method, for the farthest way in 200 decisions on the open plane."""


CLEARANCE = 1.2
"""Metres to keep from walls."""
CLOSE_ENOUGH = 0.25
"""Metres from the goal at which to stop."""

STILL = (0.0,) * 8


def run() -> Policy:
    """Run in the direction that the observation tells."""
    legs = Legs(TROT, 0.1)

    def act(obs: Sequence[float]) -> Sequence[float]:
        return legs.go(atan2(obs[28], obs[27]), obs[1:5], obs[5:13], obs[19:27])

    return act


def follow(maze: Maze) -> Policy:
    """Walk along the shortest way through a maze, and stop at the goal."""
    legs = Legs(TROT, 0.2)
    route: Route | None = None

    def act(obs: Sequence[float]) -> Sequence[float]:
        nonlocal route
        numbers = [MAZE_SCALE * number for number in obs]
        place, goal = (numbers[0], numbers[1]), (numbers[31], numbers[32])
        if route is None:
            route = Route(maze, goal, CLEARANCE)
        if dist(place, goal) < CLOSE_ENOUGH:
            return STILL
        aim = route.aim(place)
        way = atan2(aim[1] - place[1], aim[0] - place[0])
        return legs.go(way, numbers[3:7], numbers[7:15], numbers[21:29])

    return act
