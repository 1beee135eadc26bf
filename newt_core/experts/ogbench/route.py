"""Which way to go in a maze: along a shortest path, cutting every corner that sight allows."""

from __future__ import annotations

import math
from collections import deque

from newt_core.envs.domains.ogbench.mazes import CELL_SIZE, Cell, Maze, centre
from newt_core.envs.domains.ogbench.rewards import Point

STRIDE = 0.25
"""Metres between the places at which a straight way is looked at."""


class Route:
    """The ways to one goal.

    Args:
        maze: the map.
        goal: in metres.
        clearance: metres to keep from walls, in x and in y.
    """

    def __init__(self, maze: Maze, goal: Point, clearance: float) -> None:
        self._free = frozenset(maze.free)
        self._goal = goal
        self._clearance = clearance
        self._towards = _steps_towards(_cell(goal), self._free)

    def aim(self, place: Point) -> Point:
        """Return the furthest place on the way to the goal that can be walked to straight on."""
        cell: Cell | None = _cell(place)
        if cell not in self._towards:  # outside a maze with gaps, or in a corner of a wall
            cell = min(self._towards, key=lambda other: math.dist(centre(other), place))
            return centre(cell)
        stops: list[Point] = []
        while cell is not None:
            stops.append(centre(cell))
            cell = self._towards[cell]
        stops.append(self._goal)
        for stop in reversed(stops[1:]):
            if self._open(place, stop):
                return stop
        return stops[0]

    def _open(self, start: Point, end: Point) -> bool:
        """Whether no wall is near the straight way."""
        steps = max(1, math.ceil(math.dist(start, end) / STRIDE))
        for step in range(1, steps + 1):
            share = step / steps
            x = start[0] + share * (end[0] - start[0])
            y = start[1] + share * (end[1] - start[1])
            for off_x in (-self._clearance, self._clearance):
                for off_y in (-self._clearance, self._clearance):
                    if _cell((x + off_x, y + off_y)) not in self._free:
                        return False
        return True


def _cell(place: Point) -> Cell:
    return round(place[1] / CELL_SIZE) + 1, round(place[0] / CELL_SIZE) + 1


def _steps_towards(goal: Cell, free: frozenset[Cell]) -> dict[Cell, Cell | None]:
    """Return the next cell on a shortest path from every cell; None at the goal."""
    towards: dict[Cell, Cell | None] = {goal: None}
    queue = deque([goal])
    while queue:
        row, column = cell = queue.popleft()
        for beside in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if beside in free and beside not in towards:
                towards[beside] = cell
                queue.append(beside)
    return towards
