"""Cartpole: a cart in a mine lit by two lanterns."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE, clip
from newt_core.envs.domains.miniarcade.cartpole import Cartpole
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter, glow

PIXELS_PER_METRE = 32.5
MIDDLE = SIZE / 2
RAIL_Y, HINGE_Y = 161, 147
POLE = 39
"""Length in pixels."""

EARTH, DEEP_EARTH = (120, 90, 50), (90, 60, 35)
CEILING, FLOOR = (85, 65, 45), (100, 75, 45)
FLOOR_HEIGHT = 32
LANTERNS = ((50, 59), (154, 59))
"""Upper left corners; a lantern is 12 by 16."""
LIGHT = (255, 210, 120)
LIGHT_RADIUS = 55
STRONGEST_LIGHT = 1.3
DUST = (150, 120, 90)
QUAKE = 5 / 11
"""Pixels by which the picture trembles, per rad/s² of the shake."""


class CartpolePainter(Painter[Cartpole]):
    """Ceiling, rocks and the lanterns' rhythm differ from episode to episode."""

    def _scenery(self, draw: Random) -> None:
        mine = Canvas()
        mine.gradient(0, SIZE, EARTH, DEEP_EARTH)
        edge = [(SIZE * i / 11, 45.0 + draw.randint(0, 11)) for i in range(12)]
        mine.polygon([(0, 0), *edge, (SIZE, 0)], CEILING)
        mine.box(0, SIZE - FLOOR_HEIGHT, SIZE, FLOOR_HEIGHT, FLOOR)
        for _ in range(draw.randint(5, 7)):
            x, y = draw.randint(10, 213), SIZE - draw.randint(26, 33)
            base, shade = draw.randint(4, 7), draw.randint(70, 109)
            colour = (shade, shade - 25, shade - 35)
            if draw.random() < 0.5:
                mine.disc(x, y, base, colour)
            else:
                mine.ellipse(
                    x, y, base * draw.uniform(1.2, 1.6), base * draw.uniform(0.8, 1.2), colour
                )
        self._mine = mine
        self._phases = [draw.uniform(0, 2 * pi) for _ in LANTERNS]
        # The lanterns' light at its strongest, which is then dimmed from step to step.
        self._light = glow(LIGHT_RADIUS, LIGHT, 90 * STRONGEST_LIGHT, 2)

    def _paint(self, game: Cartpole, flicker: Random) -> Canvas:
        canvas = self._mine.copy()
        for (x, y), phase in zip(LANTERNS, self._phases, strict=True):
            wave = 0.9 + 0.35 * sin(2 * pi * game.t / 60 + phase) + flicker.gauss(0, 0.08)
            strength = clip(wave, 0.4, STRONGEST_LIGHT) / STRONGEST_LIGHT
            corner = (x + 6 - LIGHT_RADIUS, y + 8 - LIGHT_RADIUS)
            canvas.paste(self._light, *corner, alpha=255 * strength)
            canvas.box(x + 4, y - 14, 4, 14, (160, 160, 160))
            canvas.box(x, y, 12, 16, (230, 190, 90), 2, (120, 100, 60), radius=2)
        canvas.box(0, RAIL_Y - 3, SIZE, 6, (125, 120, 120))
        self._draw_cart(canvas, game)
        for start in game.tremors[-60:]:
            self._draw_dust(canvas, game, start)
        if game.tremor and game.shaking > 0:
            reach = int(abs(game.shake) * QUAKE)
            canvas.shift(flicker.randint(-reach, reach), flicker.randint(-reach, reach), FLOOR)
        return canvas

    def _draw_cart(self, canvas: Canvas, game: Cartpole) -> None:
        x = MIDDLE + PIXELS_PER_METRE * game.x
        canvas.box(x - 14, 147, 28, 14, (180, 110, 60), 2, (190, 185, 185), radius=2)
        for offset in (-10, 9):
            canvas.disc(x + offset, RAIL_Y, 5, (200, 195, 195), 1, (120, 115, 115))
        tip = (x + POLE * sin(game.angle), HINGE_Y - POLE * cos(game.angle))
        canvas.stroke([(x, HINGE_Y), tip], 4, (200, 140, 80))

    def _draw_dust(self, canvas: Canvas, game: Cartpole, start: int) -> None:
        """Draw the grain that fell from the ceiling at step ``start``, if one did."""
        draw = Random(game.look * 7919 + start)
        if draw.random() >= 0.3:
            return
        x, fall, life, radius = (
            draw.randint(20, 203),
            draw.uniform(1.5, 4),
            draw.randint(18, 39),
            draw.randint(2, 3),
        )
        age = game.t - start
        y = 50 + fall * age
        if age < life and y < 214:
            canvas.disc(x, y, radius, DUST)
