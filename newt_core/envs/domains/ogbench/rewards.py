"""The benchmark's rewards, as functions of positions in metres."""

from __future__ import annotations

import math

Point = tuple[float, float]
"""x, y"""

MAZE_SCALE = 20.0
"""Metres that count as 1, in rewards and observations: the mazes' extent."""

BALL_TO_GOAL, ANT_TO_BALL = 25.0, 10.0
"""Reward of each metre that the ball comes closer to its goal, and the ant to the ball."""


def maze_reward(position: Point, goal: Point, success: float, motion_cost: float) -> float:
    """Reward an agent step in a maze.

    Args:
        position: of the body, after the step.
        goal: where it is to go.
        success: 1 at the goal, else 0.
        motion_cost: for moving, in the same unit as distances.
    """
    x, y = abs(position[0] - goal[0]), abs(position[1] - goal[1])
    distance = 0.5 * (x + y) + 0.5 * math.hypot(x, y)
    return success - (distance + motion_cost) / MAZE_SCALE


def ball_reward(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Reward a step of playing the ball.

    Args:
        before: distances from ball to goal and from ant to ball before the step.
        after: the same after it.
    """
    return BALL_TO_GOAL * (before[0] - after[0]) + ANT_TO_BALL * (before[1] - after[1])


def distance(one: Point, other: Point) -> float:
    """Return the distance of two points in metres."""
    return math.hypot(one[0] - other[0], one[1] - other[1])
