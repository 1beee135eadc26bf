"""Coinrun: a runner jumps for rows of coins."""

from __future__ import annotations

from collections import deque

from newt_core.envs.domains.miniarcade.base import SIZE, Game, overlap
from newt_core.envs.domains.miniarcade.rows import (
    COIN_RADIUS,
    COIN_SIDE,
    RISE,
    is_over,
    new_row,
    observe,
)
from newt_core.envs.domains.miniarcade.runner import (
    GROUND_Y,
    HEIGHT,
    MAX_SPEED,
    SCROLL,
    WIDTH,
    Runner,
    X,
)

COIN_SLOTS = 5
LOWEST_COIN, HIGHEST_COIN = 173, 83
"""y of the coins' middles; the first of a row lies one to four rises above the lowest."""


class Coinrun(Game):
    """The runner and the present row of coins."""

    painter = "coinrun"

    def __init__(self) -> None:
        super().__init__()
        self.runner = Runner()
        self._new_row()
        self.pickups: deque[tuple[int, float, float]] = deque(maxlen=10)
        """Step, x and y at which coins were collected, for their sparkles."""
        self._collected = 0

    def _begin(self) -> None:
        self.runner = Runner()
        self._new_row()
        self.pickups.clear()

    def _new_row(self) -> None:
        draw = self._random
        count, first_y = draw.randint(2, COIN_SLOTS), LOWEST_COIN - RISE * draw.randint(1, 4)
        self.coins = new_row(draw, count, first_y, HIGHEST_COIN, LOWEST_COIN)

    def _advance(self, action: list[float]) -> None:
        self.runner.move(action[0])
        for coin in self.coins:
            coin.x -= SCROLL
        if is_over(self.coins):
            self._new_row()
        self._collected = 0
        for coin in self.coins:
            if coin.there and overlap(
                X,
                self.runner.y,
                WIDTH,
                HEIGHT,
                coin.x - COIN_RADIUS,
                coin.y - COIN_RADIUS,
                COIN_SIDE,
                COIN_SIDE,
            ):
                coin.there = False
                self._collected += 1
                self.pickups.append((self.t, coin.x, coin.y))

    def _reward(self) -> float:
        return float(self._collected)

    def _observe(self) -> list[float]:
        return [
            (self.runner.y - GROUND_Y) / SIZE,
            self.runner.speed / MAX_SPEED,
            *observe(self.coins, COIN_SLOTS),
        ]
