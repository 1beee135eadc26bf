"""The mazes: where walls stand, and from where to where one is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

Cell = tuple[int, int]
"""Row and column on a map."""

CELL_SIZE = 4.0
"""Of a cell's sides, in metres."""
WALL_HEIGHT = 2.0
"""In metres."""


class Maze(NamedTuple):
    """A map and its errands."""

    rows: tuple[str, ...]
    """``#`` is a wall and ``.`` is free."""
    errands: tuple[tuple[Cell, Cell], ...]
    """Start and goal cell of each errand, all equally probable."""

    @property
    def walls(self) -> list[Cell]:
        """All cells that are walls."""
        return [(i, j) for i, row in enumerate(self.rows) for j in range(len(row)) if row[j] == "#"]

    @property
    def free(self) -> list[Cell]:
        """All cells that are not."""
        return [(i, j) for i, row in enumerate(self.rows) for j in range(len(row)) if row[j] == "."]


def centre(cell: Cell) -> tuple[float, float]:
    """Return the x and y of a cell's centre: columns lie along x, rows along y."""
    row, column = cell
    return CELL_SIZE * (column - 1), CELL_SIZE * (row - 1)


def far_errands(cells: Iterable[Cell], least: int) -> tuple[tuple[Cell, Cell], ...]:
    """Return all ordered pairs of cells at least ``least`` rows and columns apart in sum."""
    stops = list(cells)
    return tuple(
        (start, goal)
        for start in stops
        for goal in stops
        if abs(start[0] - goal[0]) + abs(start[1] - goal[1]) >= least
    )


ARENA = (
    "########",
    "#......#",
    "#......#",
    "#......#",
    "#......#",
    "#......#",
    "#......#",
    "########",
)
MEDIUM = (
    "########",
    "#..##..#",
    "#..#...#",
    "##...###",
    "#..#...#",
    "#.#..#.#",
    "#...#..#",
    "########",
)
BOTTLENECK = (
    "########",
    "#..##..#",
    "#..##..#",
    "#......#",
    "#......#",
    "#..##..#",
    "#..##..#",
    "########",
)
CIRCLE = (
    "########",
    "##....##",
    "#..##..#",
    "#.####.#",
    "#.####.#",
    "#..##..#",
    "##....##",
    "########",
)
SPIRAL = (
    "########",
    "#......#",
    "#.#.##.#",
    "#.#....#",
    "#....#.#",
    "#.##.#.#",
    "#......#",
    "########",
)
# The last two are open at the border: one can leave them.
VAR1 = (
    "####..##",
    "##....##",
    "#.......",
    "#.##.#..",
    "..#..#.#",
    "#.......",
    "##....##",
    "##.#####",
)
VAR2 = (
    "..##..##",
    "#......#",
    "#..##...",
    "#......#",
    ".......#",
    "...##...",
    "#..#...#",
    "##.#..##",
)

_ARENA_STOPS = [(i, j) for i in (2, 3, 4) for j in (2, 3, 4)]
_ROOM_STOPS = [
    (top + i, left + j)
    for top, left in ((1, 1), (1, 5), (5, 1), (5, 5), (3, 3))
    for i in (0, 1)
    for j in (0, 1)
]
_RING_STOPS = Maze(CIRCLE, ()).free
_SPIRAL_STOPS = [
    *((1, 1), (1, 2), (2, 1)),
    *((1, 5), (1, 6), (2, 6)),
    *((5, 1), (6, 1), (6, 2)),
    *((6, 5), (6, 6), (5, 6)),
    *((3, 3), (3, 4), (4, 3), (4, 4)),
]
_MEDIUM_ERRANDS = (
    ((1, 1), (6, 6)),
    ((6, 1), (1, 6)),
    ((5, 3), (2, 4)),
    ((2, 2), (6, 1)),
    ((2, 6), (1, 1)),
    ((2, 1), (4, 5)),
    ((6, 5), (4, 6)),
    ((2, 2), (4, 4)),
    ((6, 1), (2, 1)),
    ((6, 3), (3, 3)),
)

MAZES: dict[str, Maze] = {
    "arena": Maze(ARENA, far_errands(_ARENA_STOPS, 2)),
    "medium": Maze(MEDIUM, _MEDIUM_ERRANDS),
    "bottleneck": Maze(BOTTLENECK, far_errands(_ROOM_STOPS, 3)),
    "circle": Maze(CIRCLE, far_errands(_RING_STOPS, 3)),
    "spiral": Maze(SPIRAL, far_errands(_SPIRAL_STOPS, 3)),
    "var1": Maze(VAR1, far_errands(_RING_STOPS, 3)),
    "var2": Maze(VAR2, far_errands(_ROOM_STOPS, 3)),
}
