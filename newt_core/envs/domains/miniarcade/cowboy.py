"""Cowboy: a runner jumps over cacti; the world stands still while he is stuck in one."""

from __future__ import annotations

from typing import NamedTuple

from newt_core.envs.domains.miniarcade.base import SIZE, Game, overlap
from newt_core.envs.domains.miniarcade.runner import (
    GROUND,
    GROUND_Y,
    HEIGHT,
    MAX_SPEED,
    SCROLL,
    WIDTH,
    Runner,
    X,
)


class Cactus(NamedTuple):
    """One cactus of an obstacle."""

    offset: int
    """Of its left edge from the obstacle's."""
    width: int
    height: int


SMALL, TALL = (15, 25), (20, 40)
KINDS = (
    (Cactus(0, *SMALL),),
    (Cactus(0, *TALL),),
    (Cactus(0, *SMALL), Cactus(20, *TALL)),
    (Cactus(0, *TALL), Cactus(25, *SMALL)),
)
"""Equally likely obstacles. One is hit by the box around all of its cacti."""
START_X = 264
"""Left edge of a new obstacle."""
FOOTHOLD = WIDTH // 2
"""A runner whose box overlaps an obstacle sideways by more can come to stand on it."""


class Cowboy(Game):
    """The runner and one obstacle at a time."""

    painter = "cowboy"

    def __init__(self) -> None:
        super().__init__()
        self.runner = Runner()
        self.collided = False
        self.way = 0.0
        """Pixels that the world has scrolled in this episode."""
        self.jumped = -1000
        """Step of the last jump, and the way then: there is dust."""
        self.jump_way = 0.0
        self.set_obstacle(0, START_X)

    def set_obstacle(self, kind: int, left: int) -> None:
        """Put an obstacle, by its place in ``KINDS``, with its left edge at ``left``."""
        self.cacti = KINDS[kind]
        self.left = left
        self.width = max(cactus.offset + cactus.width for cactus in self.cacti)
        self.height = max(cactus.height for cactus in self.cacti)

    def _begin(self) -> None:
        self.runner = Runner()
        self.collided = False
        self.way, self.jumped = 0.0, -1000
        self._new_obstacle()

    def _new_obstacle(self) -> None:
        self.set_obstacle(self._random.randrange(len(KINDS)), START_X)

    def _advance(self, action: list[float]) -> None:
        runner = self.runner
        if runner.move(action[0]):
            self.jumped, self.jump_way = self.t, self.way
        top = GROUND - self.height
        shared = min(X + WIDTH, self.left + self.width) - max(X, self.left)
        if runner.speed > 0 and shared > FOOTHOLD and self._touches():
            runner.y, runner.speed = float(top - HEIGHT), 0.0
        self.collided = self._touches()
        if not self.collided:
            self.left -= int(SCROLL)
            self.way += SCROLL
        if self.left + self.width < 0:
            self._new_obstacle()

    def _touches(self) -> bool:
        top = GROUND - self.height
        box = (self.left, top, self.width, self.height)
        return overlap(X, self.runner.y, WIDTH, HEIGHT, *box)

    def _reward(self) -> float:
        return -1.0 if self.collided else 1.0

    def _observe(self) -> tuple[float, ...]:
        runner = self.runner
        return (runner.y - GROUND_Y) / SIZE, runner.speed / MAX_SPEED, self.left / SIZE
