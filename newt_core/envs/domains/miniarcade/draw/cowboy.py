"""Cowboy: a desert under a low sun, cacti, a man with a wide hat."""

from __future__ import annotations

from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.cowboy import Cowboy
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter, glow
from newt_core.envs.domains.miniarcade.draw.running import draw_limbs, landscape
from newt_core.envs.domains.miniarcade.palette import ALARM, BLACK, LEATHER, SKIN, mix
from newt_core.envs.domains.miniarcade.runner import GROUND, GROUND_Y, HEIGHT, WIDTH, X

SKY = ((150, 190, 220), (210, 220, 235))
DESERT, DESERT_LINE = ((196, 166, 135), (140, 110, 90)), (115, 90, 65)
PEBBLE, PEBBLES = (115, 90, 65), 10
SUN = (230, 212, 100)
CACTUS, CACTUS_EDGE = (108, 138, 72), (80, 105, 52)
DUST, DUST_SPECKS, DUST_STEPS = (150, 120, 100), 5, 20


class CowboyPainter(Painter[Cowboy]):
    """Sun and pebbles differ from episode to episode."""

    def __init__(self) -> None:
        super().__init__()
        self._desert = landscape(SKY, DESERT, DESERT_LINE)

    def _scenery(self, draw: Random) -> None:
        radius = draw.randint(12, 19)
        self._sun_radius = radius
        self._sun = (SIZE - draw.randint(20, 39), draw.randint(15, 34))
        red, green, blue = (part + draw.randint(-10, 9) for part in SUN)
        self._sun_colour = (red, green, blue)
        self._sun_glow = glow(2 * radius, self._sun_colour, 130, 1.5)
        self._pebbles = [
            (SIZE + draw.uniform(0, SIZE), GROUND + draw.uniform(1, 4)) for _ in range(PEBBLES)
        ]

    def _paint(self, game: Cowboy, flicker: Random) -> Canvas:
        canvas = self._desert.copy()
        for start, y in self._pebbles:
            # They come from beyond the right border, pass, and begin anew a little beyond it.
            x = start - game.way
            canvas.disc(x if x >= 0 else x % (SIZE + 10), y, 1, PEBBLE)
        for cactus in game.cacti:
            _draw_cactus(canvas, game.left + cactus.offset, cactus.width, cactus.height)
        _draw_dust(canvas, game)
        _draw_cowboy(canvas, game)
        x, y = self._sun
        canvas.paste(self._sun_glow, x - 2 * self._sun_radius, y - 2 * self._sun_radius)
        canvas.disc(x, y, self._sun_radius, self._sun_colour)
        if game.collided:
            canvas.veil(ALARM, 20)
        return canvas


def _draw_cactus(canvas: Canvas, left: float, width: float, height: float) -> None:
    top, stem = GROUND - height, width - 8
    for x, y in ((left, top + height * 0.3), (left + width - 4, top + height * 0.2)):
        canvas.box(x, y, 4, 10, CACTUS, radius=2)
        elbow = left + 2 if x == left else left + width - 2
        canvas.stroke([(elbow, y + 9), (left + width / 2, y + 9)], 3, CACTUS)
    canvas.box(left + 4, top, stem, height, CACTUS, radius=min(4, stem / 2))
    canvas.stroke([(left + width / 2, top + 5), (left + width / 2, GROUND - 3)], 1, CACTUS_EDGE)


def _draw_dust(canvas: Canvas, game: Cowboy) -> None:
    age = game.t - game.jumped
    if age > DUST_STEPS:
        return
    draw = Random(game.look + game.jumped)
    for _ in range(DUST_SPECKS):
        x = X + draw.uniform(0, WIDTH) - (game.way - game.jump_way) * 0.6
        y = GROUND - draw.uniform(0.1, 0.5) * age
        canvas.soft_disc(x, y, 1.5, DUST, 255 * (1 - age / (DUST_STEPS + 1)))


def _draw_cowboy(canvas: Canvas, game: Cowboy) -> None:
    runner = game.runner
    x, y = X + WIDTH / 2, runner.y
    stride = game.t if game.way and not game.collided else 0
    draw_limbs(canvas, runner, x, stride)
    canvas.box(x - 3, y + 9, 6, 15, LEATHER, radius=1)
    canvas.disc(x, y + 6, 5, SKIN)
    hat = mix(BLACK, LEATHER, 0.15)
    canvas.box(x - 8, y + 2, 16, 2.2, hat, radius=1)
    canvas.box(x - 4, y - 2.5, 8, 5.5, hat, radius=1.5)
    shade = mix(DESERT[0], BLACK, 0.25)
    height = (GROUND_Y - runner.y) / HEIGHT
    canvas.ellipse(x, GROUND + 3, max(2.0, 8 - 2 * height), 1.2, shade)
