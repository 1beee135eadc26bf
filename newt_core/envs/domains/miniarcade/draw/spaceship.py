"""Spaceship: stars drift past a ship with a flame, coins and a tumbling rock."""

from __future__ import annotations

from math import cos, hypot, pi, sin
from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.palette import ALARM, BLACK, GOLD, WHITE
from newt_core.envs.domains.miniarcade.rows import COIN_RADIUS
from newt_core.envs.domains.miniarcade.spaceship import (
    ASTEROID_RADIUS,
    HEIGHT,
    WIDTH,
    Spaceship,
)

STARS, STAR_SPEED = 50, 6
HULL, WING = (180, 180, 255), (100, 100, 200)
FLAMES = (((255, 140, 0), 1.0), ((255, 200, 60), 0.7), ((255, 255, 120), 0.4))
"""Colours from outside in, with their share of the flame's length."""
LONGEST_FLAME = 28.0
COIN_RIM = (200, 160, 0)
ROCK, ROCK_EDGE = (100, 100, 100), (60, 60, 60)
ROCK_CORNERS, ROCK_TURN = 10, 0.02
PRIME = 104_729
"""Sets the random looks of one asteroid apart from the next one's."""


class SpaceshipPainter(Painter[Spaceship]):
    """Stars and the asteroids' shapes differ from episode to episode."""

    def _scenery(self, draw: Random) -> None:
        self._stars = [(draw.uniform(0, SIZE), draw.randrange(2**32)) for _ in range(STARS)]

    def _paint(self, game: Spaceship, flicker: Random) -> Canvas:
        canvas = Canvas()
        canvas.fill(BLACK)
        for start, seed in self._stars:
            crossings, x = divmod(start - STAR_SPEED * game.t, SIZE)
            # A star that comes in again does so at a height of its own.
            canvas.disc(x, Random(seed + int(crossings)).uniform(0, SIZE), 1, WHITE)
        for coin in game.coins:
            if coin.there:
                canvas.disc(coin.x, coin.y, COIN_RADIUS, GOLD, 2, COIN_RIM)
        _draw_asteroid(canvas, game)
        _draw_flame(canvas, game, flicker)
        nose = (game.x + WIDTH, game.y + HEIGHT / 2)
        hull = [(game.x, game.y), nose, (game.x, game.y + HEIGHT)]
        canvas.polygon(hull, HULL)
        canvas.stroke([(game.x + 6, game.y + 4), (game.x + 6, game.y + HEIGHT - 4)], 2, WING)
        if game.hit:
            canvas.veil(ALARM, 40)
        return canvas


def _draw_asteroid(canvas: Canvas, game: Spaceship) -> None:
    if game.asteroid is None:
        return
    x, y = game.asteroid
    shape = Random(game.look + PRIME * game.asteroids)
    corners = []
    for corner in range(ROCK_CORNERS):
        angle = 2 * pi * corner / ROCK_CORNERS + ROCK_TURN * game.t
        radius = ASTEROID_RADIUS * shape.uniform(0.7, 1.3)
        corners.append((x + radius * cos(angle), y + radius * sin(angle)))
    canvas.polygon(corners, ROCK, 2, ROCK_EDGE)


def _draw_flame(canvas: Canvas, game: Spaceship, flicker: Random) -> None:
    speed = hypot(game.vx, game.vy)
    if speed <= 0.1:
        return
    length = min(LONGEST_FLAME, 14 + 4 * speed) * flicker.uniform(0.9, 1.1)
    middle = game.y + HEIGHT / 2
    for colour, share in FLAMES:
        half = 5 * share + 1
        root = [(game.x, middle - half), (game.x, middle + half)]
        canvas.polygon([*root, (game.x - length * share, middle)], colour)
