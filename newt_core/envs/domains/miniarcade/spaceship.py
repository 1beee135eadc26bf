"""Spaceship: a ship collects rows of coins and keeps clear of an asteroid."""

from __future__ import annotations

from newt_core.envs.domains.miniarcade.base import SIZE, Game, clip, overlap
from newt_core.envs.domains.miniarcade.rows import (
    COIN_RADIUS,
    COIN_SIDE,
    SPACING,
    is_over,
    new_row,
    observe,
)

WIDTH, HEIGHT = 28, 18
"""Of the ship's box."""
X_MAX, Y_MAX = SIZE - WIDTH, SIZE - HEIGHT
START = (40.0, 112.0)
THRUST = 0.65
DRAG = 0.95
"""Share of the speed that a step leaves."""
MAX_SPEED = 10.0
"""Unit of the observed velocity; nothing enforces it."""
SCROLL = 12.0

COIN_SLOTS = 4
ASTEROID_RADIUS = 18
ASTEROID_SIDE = 2 * ASTEROID_RADIUS
ASTEROID_CHANCE = 0.5
"""That one comes with a new row, if there is none."""
ASTEROID_SPREAD = 30.0
ASTEROID_PENALTY = 2.0


class Spaceship(Game):
    """The ship, the present row of coins, and at most one asteroid."""

    painter = "spaceship"

    def __init__(self) -> None:
        super().__init__()
        self.x, self.y = START
        """The ship's upper left corner."""
        self.vx = self.vy = 0.0
        self.asteroid: tuple[float, float] | None = None
        """The asteroid's middle."""
        self.asteroids = 0
        """How many there were in this episode: each looks different."""
        self.hit = False
        self._collected = 0
        self._new_row()

    def _begin(self) -> None:
        self.x, self.y = START
        self.vx = self.vy = 0.0
        self.asteroid, self.asteroids, self.hit = None, 0, False
        self._new_row()

    def _new_row(self) -> None:
        draw = self._random
        count, first_y = draw.randint(2, COIN_SLOTS), draw.randint(30, 193)
        self.coins = new_row(draw, count, first_y, 20, 204)
        if self.asteroid is None and draw.random() < ASTEROID_CHANCE:
            behind = self.coins[0].x + SPACING * (count + 2)
            x = behind + draw.uniform(-ASTEROID_SPREAD, ASTEROID_SPREAD)
            self.asteroid = x, float(draw.randint(40, 183))
            self.asteroids += 1

    def _advance(self, action: list[float]) -> None:
        self.vx += THRUST * action[0]
        self.vy += THRUST * action[1]
        self.x = clip(self.x + self.vx, 0.0, X_MAX)
        self.y = clip(self.y + self.vy, 0.0, Y_MAX)
        self.vx *= DRAG
        self.vy *= DRAG
        self._move_asteroid()
        for coin in self.coins:
            coin.x -= SCROLL
        if is_over(self.coins):
            self._new_row()
        self._collected = 0
        for coin in self.coins:
            if coin.there and self._touches(coin.x, coin.y, COIN_RADIUS, COIN_SIDE):
                coin.there = False
                self._collected += 1

    def _move_asteroid(self) -> None:
        self.hit = False
        if self.asteroid is not None:
            x, y = self.asteroid[0] - SCROLL, self.asteroid[1]
            self.asteroid = (x, y) if x >= -ASTEROID_RADIUS else None
            self.hit = self._touches(x, y, ASTEROID_RADIUS, ASTEROID_SIDE)

    def _touches(self, x: float, y: float, radius: int, side: int) -> bool:
        return overlap(self.x, self.y, WIDTH, HEIGHT, x - radius, y - radius, side, side)

    def _reward(self) -> float:
        return self._collected - (ASTEROID_PENALTY if self.hit else 0.0)

    def _observe(self) -> list[float]:
        asteroid = self.asteroid
        return [
            self.x / SIZE,
            self.y / SIZE,
            self.vx / MAX_SPEED,
            self.vy / MAX_SPEED,
            *observe(self.coins, COIN_SLOTS),
            *((-1.0, -1.0) if asteroid is None else (asteroid[0] / SIZE, asteroid[1] / SIZE)),
        ]
