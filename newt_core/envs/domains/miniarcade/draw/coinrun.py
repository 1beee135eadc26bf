"""Coinrun: a meadow with clouds, a runner in a brown dress, shining coins."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.coinrun import Coinrun
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter, Point
from newt_core.envs.domains.miniarcade.draw.running import draw_limbs, landscape
from newt_core.envs.domains.miniarcade.palette import GOLD, LEATHER, SKIN, Colour, mix
from newt_core.envs.domains.miniarcade.rows import COIN_RADIUS, Coin
from newt_core.envs.domains.miniarcade.runner import GROUND, SCROLL, WIDTH, Runner, X

SKY = ((173, 216, 230), (255, 182, 193))
MEADOW, MEADOW_LINE = ((76, 130, 78), (112, 170, 112)), (51, 92, 53)
CLOUD, CLOUDS = (255, 204, 214), 7
CLOUD_MARGIN = 60
"""A cloud has left, or comes in, this far outside."""
PEBBLE, PEBBLES = (120, 125, 110), 10
GRASS, TUFTS, TUFT_IN_FRONT = (51, 110, 53), 8, 0.35
PETALS: tuple[Colour, ...] = ((255, 105, 180), (255, 182, 193), (253, 253, 150), (200, 162, 255))
STALK, FLOWERS, FLOWER_IN_FRONT = (60, 120, 60), 4, 0.3
PASSAGE = SIZE + 40
"""Way of a thing on the ground before it comes in again."""
HAIR = (220, 20, 60)
RIM_DARK, RIM_BRIGHT, GLINT = (200, 160, 0), (255, 220, 60), (255, 245, 190)
SPARKLES, SPARKLE_STEPS = 8, 12


@dataclass(frozen=True)
class Thing:
    """Something that the ground carries along."""

    x: float
    """At step 0, before it is wrapped around."""
    y: float
    kind: str
    colour: Colour
    front: bool
    """Whether it passes in front of the runner."""


class CoinrunPainter(Painter[Coinrun]):
    """Clouds, pebbles, grass and flowers differ from episode to episode."""

    def __init__(self) -> None:
        super().__init__()
        self._meadow = landscape(SKY, MEADOW, MEADOW_LINE)

    def _scenery(self, draw: Random) -> None:
        self._clouds = [
            (
                draw.uniform(0, SIZE + 2 * CLOUD_MARGIN),
                draw.uniform(15, 83),
                draw.uniform(16, 26),
                SCROLL * draw.uniform(0.18, 0.42),
                draw.uniform(2, 3),
            )
            for _ in range(CLOUDS)
        ]
        self._things = [
            Thing(draw.uniform(0, PASSAGE), GROUND + draw.uniform(4, 34), "pebble", PEBBLE, False)
            for _ in range(PEBBLES)
        ]
        for kind, count, chance in (
            ("tuft", TUFTS, TUFT_IN_FRONT),
            ("flower", FLOWERS, FLOWER_IN_FRONT),
        ):
            for _ in range(count):
                front = draw.random() < chance
                y = GROUND + (draw.uniform(6, 14) if front else draw.uniform(1, 3))
                colour = GRASS if kind == "tuft" else draw.choice(PETALS)
                self._things.append(Thing(draw.uniform(0, PASSAGE), y, kind, colour, front))

    def _paint(self, game: Coinrun, flicker: Random) -> Canvas:
        canvas = self._meadow.copy()
        for start, y, base, speed, width in self._clouds:
            x = (start - speed * game.t) % (SIZE + 2 * CLOUD_MARGIN) - CLOUD_MARGIN
            _draw_cloud(canvas, x, y, base, width)
        for thing in self._things:
            if not thing.front:
                _draw_thing(canvas, thing, game.t)
        for coin in game.coins:
            if coin.there:
                _draw_coin(canvas, coin, game.t)
        _draw_runner(canvas, game.runner, game.t)
        for thing in self._things:
            if thing.front:
                _draw_thing(canvas, thing, game.t)
        for start, x, y in game.pickups:
            _draw_sparkles(canvas, x, y, game.t - start)
        return canvas


def _draw_cloud(canvas: Canvas, x: float, y: float, base: float, width: float) -> None:
    canvas.ellipse(x, y, base * width / 3, base * 0.42, CLOUD)
    canvas.ellipse(x - base * width / 5, y + 2, base * width / 5, base * 0.32, CLOUD)
    canvas.ellipse(x + base * width / 5, y + 3, base * width / 5, base * 0.3, CLOUD)


def _draw_thing(canvas: Canvas, thing: Thing, t: int) -> None:
    x, y = (thing.x - SCROLL * t) % PASSAGE - 20, thing.y
    if thing.kind == "pebble":
        canvas.ellipse(x, y, 2, 1.3, thing.colour)
    elif thing.kind == "tuft":
        for lean in (-3, 0, 3):
            canvas.stroke([(x, y), (x + lean, y - 6)], 1.2, thing.colour)
    else:
        canvas.stroke([(x, y), (x, y - 7)], 1.2, STALK)
        for petal in range(5):
            angle = 2 * pi * petal / 5
            canvas.disc(x + 2.2 * cos(angle), y - 8 + 2.2 * sin(angle), 1.6, thing.colour)
        canvas.disc(x, y - 8, 1.4, GOLD)


def _draw_coin(canvas: Canvas, coin: Coin, t: int) -> None:
    pulse = 0.5 + 0.5 * sin(2 * pi * t / 30)
    canvas.disc(coin.x, coin.y, COIN_RADIUS, GOLD, 2, mix(RIM_DARK, RIM_BRIGHT, pulse))
    angle = 2 * pi * t / 40
    glint: list[Point] = [
        (coin.x + side * 3.5 * cos(angle), coin.y + side * 3.5 * sin(angle)) for side in (-1, 1)
    ]
    canvas.stroke(glint, 1.5, GLINT)


def _draw_runner(canvas: Canvas, runner: Runner, t: int) -> None:
    x, y = X + WIDTH / 2, runner.y
    draw_limbs(canvas, runner, x, t)
    dress = [(x - 3, y + 10), (x + 3, y + 10), (x + 6, y + 23), (x - 6, y + 23)]
    canvas.polygon(dress, LEATHER)
    canvas.disc(x - 1, y + 5.5, 5.5, HAIR)
    canvas.ellipse(x - 5, y + 8, 2.5, 4, HAIR)
    canvas.disc(x + 1, y + 6.5, 4, SKIN)


def _draw_sparkles(canvas: Canvas, x: float, y: float, age: int) -> None:
    if age >= SPARKLE_STEPS:
        return
    reach = COIN_RADIUS + 1.2 * age
    for sparkle in range(SPARKLES):
        angle = 2 * pi * sparkle / SPARKLES
        place = (x + reach * cos(angle), y + reach * sin(angle))
        canvas.soft_disc(*place, 1.7, RIM_BRIGHT, 255 * (1 - age / SPARKLE_STEPS))
