"""The player of the point in a maze."""

from __future__ import annotations

from collections.abc import Sequence

from newt_core.envs.domains.ogbench.maze import POINT_REACH
from newt_core.envs.domains.ogbench.mazes import Maze
from newt_core.envs.domains.ogbench.rewards import MAZE_SCALE
from newt_core.experts.ogbench.route import Route
from newt_core.experts.policy import Policy

CLEARANCE = 0.8
"""Metres to keep from walls: the point's radius and a bit."""
REACH = 4 * POINT_REACH
"""Metres that the point moves in an agent step at full speed, in x and in y."""


def follow(maze: Maze) -> Policy:
    """Move along the shortest way, in straight lines, each as fast as its longer axis allows."""
    route: Route | None = None

    def act(obs: Sequence[float]) -> Sequence[float]:
        nonlocal route
        x, y, _, _, goal_x, goal_y = (MAZE_SCALE * number for number in obs[:6])
        if route is None:
            route = Route(maze, (goal_x, goal_y), CLEARANCE)
        aim_x, aim_y = route.aim((x, y))
        off_x, off_y = aim_x - x, aim_y - y
        reach = max(abs(off_x), abs(off_y), REACH)
        return [off_x / reach, off_y / reach]

    return act
