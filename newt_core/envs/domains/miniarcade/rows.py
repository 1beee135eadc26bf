"""Rows of coins that scroll in from the right."""

from __future__ import annotations

from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE, clip

COIN_RADIUS = 9
COIN_SIDE = 2 * COIN_RADIUS
"""Of the square that a coin is collected by."""
FIRST_X = (SIZE + 20, SIZE + 59)
"""Least and greatest x of a row's first coin."""
SPACING = 27
RISE = 18
"""Height by which a coin may differ from the one before."""
RISE_CHANCE = 0.6


class Coin:
    """A coin's middle, and whether it is still to be had."""

    __slots__ = ("there", "x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y
        self.there = True


def new_row(draw: Random, count: int, first_y: int, top: int, bottom: int) -> list[Coin]:
    """Return ``count`` coins beyond the right border, their heights within the bounds."""
    x, y = float(draw.randint(*FIRST_X)), float(first_y)
    coins = [Coin(x, y)]
    for _ in range(count - 1):
        x += SPACING
        if draw.random() < RISE_CHANCE:
            y = clip(y + draw.choice((-RISE, RISE)), top, bottom)
        coins.append(Coin(x, y))
    return coins


def is_over(coins: list[Coin]) -> bool:
    """Whether every coin was collected or has left on the left side."""
    return all(not coin.there or coin.x < -COIN_RADIUS for coin in coins)


def observe(coins: list[Coin], slots: int) -> list[float]:
    """Return the places of the coins left, in order; (-1, -1) for others up to ``slots``."""
    entries: list[float] = []
    for coin in coins:
        entries += (coin.x / SIZE, coin.y / SIZE) if coin.there else (-1.0, -1.0)
    return entries + [-1.0] * (2 * (slots - len(coins)))
