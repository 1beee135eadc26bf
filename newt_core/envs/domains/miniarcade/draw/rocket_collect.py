"""Rocket collect: a violet night, stars, a rocket with its flame, a coin and rocks."""

from __future__ import annotations

from math import cos, hypot, pi, sin
from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.palette import BLACK, GOLD, WHITE
from newt_core.envs.domains.miniarcade.rocket_collect import (
    ASTEROID_RADIUS,
    COIN_RADIUS,
    Asteroid,
    RocketCollect,
)

SKY_TOP, SKY_BOTTOM = (10, 0, 20), (30, 0, 60)
STARS = 40
HULL, FIN, WINDOW = (180, 180, 255), (150, 150, 200), (70, 90, 160)
ROCK, CRATER = (120, 120, 120), (95, 95, 95)
ROCK_CORNERS, ROCK_JITTER, ROCK_TURN = 8, 3, 0.02
COIN_RIM = (200, 120, 0)
RING_STEPS, LABEL_STEPS = 8, 20
FIGURE = 11
"""Height of the score's figures."""
PAIN = (220, 40, 40)
PRIME = 179_424_673
"""Sets the random looks of one asteroid apart from the next one's."""


class RocketCollectPainter(Painter[RocketCollect]):
    """Stars and the asteroids' shapes differ from episode to episode."""

    def _scenery(self, draw: Random) -> None:
        self._sky = Canvas()
        self._sky.gradient(0, SIZE, SKY_TOP, SKY_BOTTOM)
        for _ in range(STARS):
            place = (draw.uniform(0, SIZE), draw.uniform(0, SIZE))
            self._sky.disc(*place, draw.randint(1, 2) * 0.7, WHITE)

    def _paint(self, game: RocketCollect, flicker: Random) -> Canvas:
        canvas = self._sky.copy()
        canvas.disc(game.coin_x, game.coin_y, COIN_RADIUS, GOLD, 2, COIN_RIM)
        for asteroid in game.asteroids:
            _draw_asteroid(canvas, asteroid, game, Random(game.look + PRIME * asteroid.serial))
        _draw_rocket(canvas, game, flicker)
        for start, x, y in game.pickups:
            _draw_pickup(canvas, x, y, game.t - start)
        canvas.text(str(game.collected), 5, 5, FIGURE, WHITE)
        if game.hit_timer:
            canvas.veil(PAIN, 80)
            canvas.shift(flicker.randint(-3, 3), flicker.randint(-3, 3), BLACK)
        return canvas


def _draw_asteroid(canvas: Canvas, asteroid: Asteroid, game: RocketCollect, shape: Random) -> None:
    turn = shape.uniform(-ROCK_TURN, ROCK_TURN) * game.t
    corners = []
    for corner in range(ROCK_CORNERS):
        angle = 2 * pi * corner / ROCK_CORNERS
        x = ASTEROID_RADIUS * cos(angle) + shape.randint(-ROCK_JITTER, ROCK_JITTER)
        y = ASTEROID_RADIUS * sin(angle) + shape.randint(-ROCK_JITTER, ROCK_JITTER)
        corners.append(
            (
                asteroid.x + x * cos(turn) - y * sin(turn),
                asteroid.y + x * sin(turn) + y * cos(turn),
            )
        )
    canvas.polygon(corners, ROCK)
    for _ in range(3):
        angle, out = shape.uniform(0, 2 * pi) + turn, shape.uniform(3, 8)
        place = (asteroid.x + out * cos(angle), asteroid.y + out * sin(angle))
        canvas.disc(*place, shape.uniform(1.2, 2.4), CRATER)


def _draw_rocket(canvas: Canvas, game: RocketCollect, flicker: Random) -> None:
    x, y, speed = game.x, game.y, hypot(game.vx, game.vy)
    if speed > 0.05:
        tip = (x, y + 10 + 3 + 4 * speed)
        canvas.polygon([(x - 4, y + 9), (x + 4, y + 9), tip], (255, flicker.randint(150, 199), 80))
    for side in (-1, 1):
        fin = [(x + 5 * side, y + 3), (x + 11 * side, y + 12), (x + 5 * side, y + 10)]
        canvas.polygon(fin, FIN)
    canvas.polygon([(x, y - 14), (x + 8, y + 10), (x - 8, y + 10)], HULL)
    canvas.disc(x, y + 1, 2.5, WINDOW)


def _draw_pickup(canvas: Canvas, x: float, y: float, age: int) -> None:
    if age < RING_STEPS:
        canvas.disc(x, y, COIN_RADIUS + 2 * age, None, 1.5, GOLD)
    if age < LABEL_STEPS:
        canvas.text("+1", x, y - 10 - age, FIGURE, GOLD, anchor=0.5)
