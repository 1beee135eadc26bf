"""Point maze: a disc finds its way through blocks to a target; wind blows in one cell.

The inner square is a grid of five by five cells, some of which are walls.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from math import hypot

from newt_core.envs.domains.miniarcade.base import (
    INNER_HIGH,
    INNER_LOW,
    INNER_SIDE,
    SIZE,
    Game,
    clip,
)

LAYOUTS = {
    1: ("10110", "00100", "10001", "00100", "01101"),
    2: ("01100", "00001", "01100", "00110", "10000"),
    3: ("01110", "00100", "00100", "10001", "11111"),
    4: ("11011", "10001", "00000", "10001", "11011"),
}
"""Rows from the top; 1 is a wall."""
CELLS = 5
"""Per row and column."""
CELL_STARTS = (20, 57, 94, 130, 167)
"""Left (or upper) edges of the cells."""
CELL_SIDE = 37
"""Whole pixels: neighbours may overlap by one."""

RADIUS = 6
"""Of the agent and of the goal."""
SPEED = 5.0
WIND_SPEED = 2.0
WINDS = ((0, -1), (1, 0), (0, 1), (-1, 0))
"""Directions: up, right, down, left."""
PLACES = (28.0, 196.0)
"""Agent and goal start within these bounds on both axes."""
GOAL_DISTANCE = (0.2 * INNER_SIDE, 0.7 * INNER_SIDE)
"""Least and greatest distance of agent and goal at the start."""
GOAL_TRIES = 4000
REACHED = 2 * RADIUS
"""The task is solved within this distance of the goal."""
TRAIL = 24
"""Positions of the agent that a picture shows."""


class PointMaze(Game):
    """The agent, its goal and the wind.

    Args:
        layout: number of the maze, from 1.

    Raises:
        ValueError: there is no such layout.
    """

    painter = "point_maze"

    def __init__(self, layout: int = 1) -> None:
        super().__init__()
        if layout not in LAYOUTS:
            raise ValueError(f"layout is {layout}, not one of {', '.join(map(str, LAYOUTS))}")
        self.rows = LAYOUTS[layout]
        self._free = _free_pixels(layout)
        self.x = self.y = self.vx = self.vy = 0.0
        self.goal_x = self.goal_y = self.distance = 0.0
        self.trail: deque[tuple[float, float]] = deque(maxlen=TRAIL)
        self.set_wind(0, 0, 0)

    def set_wind(self, row: int, column: int, direction: int) -> None:
        """Let the wind blow in one cell; ``direction`` counts from up, clockwise."""
        self.wind_row, self.wind_column, self.wind = row, column, direction
        cells = [float(wall) for line in self.rows for wall in line]
        cells[CELLS * row + column] = -1.0
        self._map = [*cells, *(float(direction == other) for other in range(4))]

    def _begin(self) -> None:
        draw = self._random
        cells = [(r, c) for r in range(CELLS) for c in range(CELLS) if self.rows[r][c] == "0"]
        self.set_wind(*draw.choice(cells), draw.randrange(4))
        self.x, self.y = draw.uniform(*PLACES), draw.uniform(*PLACES)
        while not self._free[int(self.y)][int(self.x)]:
            self.x, self.y = draw.uniform(*PLACES), draw.uniform(*PLACES)
        self.vx = self.vy = 0.0
        self._place_goal()
        self.trail.clear()

    def _place_goal(self) -> None:
        nearest, furthest = GOAL_DISTANCE
        for _ in range(GOAL_TRIES):
            x, y = self._random.uniform(*PLACES), self._random.uniform(*PLACES)
            if self._free[int(y)][int(x)]:
                self.distance = hypot(x - self.x, y - self.y)
                if nearest <= self.distance <= furthest:
                    self.goal_x, self.goal_y = x, y
                    return
        self.goal_x = self.goal_y = SIZE / 2
        self.distance = hypot(self.goal_x - self.x, self.goal_y - self.y)

    def windy(self) -> bool:
        """Whether the agent's centre is in the wind's cell."""
        left, top = CELL_STARTS[self.wind_column], CELL_STARTS[self.wind_row]
        return left <= int(self.x) < left + CELL_SIDE and top <= int(self.y) < top + CELL_SIDE

    def _advance(self, action: list[float]) -> None:
        self.vx, self.vy = SPEED * action[0], SPEED * action[1]
        if self.windy():
            across, down = WINDS[self.wind]
            self.vx += WIND_SPEED * across
            self.vy += WIND_SPEED * down
        low, high = INNER_LOW + RADIUS + 1, INNER_HIGH - RADIUS - 1
        # One axis after the other: the agent slides along a wall that it does not hit head-on.
        x, y = clip(self.x + self.vx, low, high), clip(self.y, low, high)
        if self._free[int(y)][int(x)]:
            self.x = x
        y = clip(self.y + self.vy, low, high)
        if self._free[int(y)][int(self.x)]:
            self.y = y
        self.distance = hypot(self.goal_x - self.x, self.goal_y - self.y)
        self.trail.append((self.x, self.y))

    def _reward(self) -> float:
        return 1.0 - clip(self.distance / INNER_SIDE, 0.0, 1.0)

    def _success(self) -> float:
        return 1.0 if self.distance <= REACHED else 0.0

    def _observe(self) -> list[float]:
        windy = self.windy()
        across, down = WINDS[self.wind] if windy else (0, 0)
        return [
            self.x / SIZE,
            self.y / SIZE,
            self.goal_x / SIZE,
            self.goal_y / SIZE,
            self.vx / SPEED,
            self.vy / SPEED,
            *self._map,
            (self.goal_x - self.x) / INNER_SIDE,
            (self.goal_y - self.y) / INNER_SIDE,
            self.distance / INNER_SIDE,
            self._success(),
            1.0 if windy else 0.0,
            across * WIND_SPEED / SPEED,
            down * WIND_SPEED / SPEED,
            _cell(self.y) / (CELLS - 1),
            _cell(self.x) / (CELLS - 1),
        ]


def _cell(place: float) -> float:
    """Return the row (or column) of a coordinate, from 0."""
    return clip(CELLS * (place - INNER_LOW) // INNER_SIDE, 0.0, CELLS - 1.0)


@cache
def _free_pixels(layout: int) -> list[bytearray]:
    """Return, row by row, which pixels the agent's centre may be in: 1 is free."""
    free = [bytearray(b"\1" * SIZE) for _ in range(SIZE)]
    for row, line in enumerate(LAYOUTS[layout]):
        for column, wall in enumerate(line):
            if wall == "1":
                left, top = CELL_STARTS[column] - RADIUS, CELL_STARTS[row] - RADIUS
                side = CELL_SIDE + 2 * RADIUS
                for y in range(top, min(top + side, SIZE)):
                    free[y][left : left + side] = bytes(side)
    return free
