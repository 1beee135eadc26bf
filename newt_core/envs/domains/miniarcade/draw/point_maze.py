"""Point maze: blocks in the dark, a glowing goal and an arrow that drifts with the wind."""

from __future__ import annotations

from math import pi, sin
from random import Random

from newt_core.envs.domains.miniarcade.base import INNER_HIGH, INNER_LOW, INNER_SIDE, clip
from newt_core.envs.domains.miniarcade.draw.canvas import SCALE, Canvas, Painter, glow
from newt_core.envs.domains.miniarcade.palette import AGENT, mix
from newt_core.envs.domains.miniarcade.point_maze import (
    CELL_SIDE,
    CELL_STARTS,
    RADIUS,
    TRAIL,
    WINDS,
    PointMaze,
)

OUTSIDE = (6, 8, 10)
GROUND_TOP, GROUND_BOTTOM = (30, 36, 42), (20, 28, 36)
BLOCK, BLOCK_EDGE, BLOCK_SHADOW = (180, 180, 190), (120, 120, 130), (30, 30, 35)
GOAL, GLOW_INNER, GLOW_OUTER = (80, 220, 120), (90, 235, 150), (60, 190, 120)
GLOW_RADIUS, GLOW_ALPHA = 38.0, 95.0
WIND, ARROW = (90, 150, 210), (120, 230, 255)
ARROW_STEP, ARROW_PERIOD, ARROW_REACH = 1.2, 16.0, 6.5
"""The arrow moves so far in a step, starts again after so far, is shown so near the middle."""
BODY, BODY_EDGE = (255, 180, 80), (255, 120, 0)


class PointMazePainter(Painter[PointMaze]):
    """The rhythm of the goal's glow differs from episode to episode."""

    def __init__(self) -> None:
        super().__init__()
        self._glow = glow(GLOW_RADIUS, mix(GLOW_INNER, GLOW_OUTER, 0.4), GLOW_ALPHA, 2.2)
        self._ground: Canvas | None = None

    def _scenery(self, draw: Random) -> None:
        self._phase = draw.uniform(0, 2 * pi)

    def _paint(self, game: PointMaze, flicker: Random) -> Canvas:
        canvas = self._empty_maze().copy()
        self._draw_wind(canvas, game)
        wave = 1 + 0.08 * sin(2 * pi * game.t / 40 + self._phase) + flicker.gauss(0, 0.02)
        strength = clip(wave, 0.85, 1.15)
        self._draw_glow(canvas, game, strength)
        canvas.disc(game.goal_x, game.goal_y, RADIUS, GOAL)
        for age, place in enumerate(reversed(game.trail)):
            canvas.soft_disc(*place, RADIUS * 0.6, AGENT, 70 * (1 - age / TRAIL))
        for top, line in zip(CELL_STARTS, game.rows, strict=True):
            for left, wall in zip(CELL_STARTS, line, strict=True):
                if wall == "1":
                    _draw_block(canvas, left, top)
        canvas.box(INNER_LOW, INNER_LOW, INNER_SIDE, INNER_SIDE, None, 2, BLOCK)
        canvas.disc(game.x, game.y, RADIUS, BODY, 1, BODY_EDGE)
        return canvas

    def _empty_maze(self) -> Canvas:
        if self._ground is None:
            self._ground = Canvas()
            self._ground.fill(OUTSIDE)
            sides = (INNER_LOW, INNER_HIGH)
            self._ground.gradient(*sides, GROUND_TOP, GROUND_BOTTOM, *sides)
        return self._ground

    def _draw_wind(self, canvas: Canvas, game: PointMaze) -> None:
        left, top = CELL_STARTS[game.wind_column], CELL_STARTS[game.wind_row]
        canvas.veil(WIND, 55, (left, top, CELL_SIDE, CELL_SIDE))
        way = (ARROW_STEP * game.t) % ARROW_PERIOD - ARROW_PERIOD / 2
        if abs(way) > ARROW_REACH:
            return
        across, down = WINDS[game.wind]
        layer, middle = Canvas(CELL_SIDE, CELL_SIDE, clear=True), CELL_SIDE / 2
        x, y = middle + way * across, middle + way * down
        head = (x + 4 * across, y + 4 * down)
        wings = [
            (x - 4 * across + side * 10 * down, y - 4 * down + side * 10 * across)
            for side in (-1, 1)
        ]
        layer.polygon([head, *wings], ARROW)
        canvas.paste(layer, left, top, alpha=150)

    def _draw_glow(self, canvas: Canvas, game: PointMaze, strength: float) -> None:
        """Draw the glow, which is wider and brighter the stronger it is."""
        reach = GLOW_RADIUS * strength
        light = self._glow.resized(reach / GLOW_RADIUS)
        canvas.paste(
            light, game.goal_x - reach, game.goal_y - reach, alpha=min(255, 225 * strength)
        )


def _draw_block(canvas: Canvas, left: float, top: float) -> None:
    pixel = 1 / SCALE
    canvas.box(left + 1, top + 1, CELL_SIDE, CELL_SIDE, BLOCK_SHADOW, radius=4)
    canvas.box(left, top, CELL_SIDE, CELL_SIDE, BLOCK, 3 * pixel, BLOCK_EDGE, radius=4)
