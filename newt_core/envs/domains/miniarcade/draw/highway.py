"""Highway: five lanes between meadows, seen from above."""

from __future__ import annotations

from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.highway import (
    CAR_HEIGHT,
    CAR_LENGTH,
    FLASH,
    HALF_HEIGHT,
    LANE_HEIGHT,
    LANES,
    ROAD_BOTTOM,
    ROAD_TOP,
    Highway,
)
from newt_core.envs.domains.miniarcade.palette import ALARM, Colour, mix

GRASS, ASPHALT = (97, 133, 80), (60, 60, 60)
DASH, EDGE = (220, 220, 220), (200, 200, 200)
DASH_LENGTH, DASH_PERIOD, DASH_SPEED = 14, 24, 6
AGENT, AGENT_EDGE = (220, 60, 60), (120, 20, 20)
TRAFFIC: tuple[Colour, ...] = ((95, 135, 212), (227, 188, 34), (82, 140, 66))
"""Blue cars, yellow cars, trucks."""
CAR_EDGE, WHEEL = (40, 40, 40), (20, 20, 20)


class HighwayPainter(Painter[Highway]):
    """Looks the same in every episode."""

    def _scenery(self, draw: Random) -> None:
        road = Canvas()
        road.fill(GRASS)
        road.box(0, ROAD_TOP, SIZE, ROAD_BOTTOM - ROAD_TOP, ASPHALT)
        for y in (ROAD_TOP, ROAD_BOTTOM):
            road.box(0, y - 1, SIZE, 2, EDGE)
        self._road = road

    def _paint(self, game: Highway, flicker: Random) -> Canvas:
        canvas = self._road.copy()
        start = -(DASH_SPEED * game.t % DASH_PERIOD)
        for line in range(1, LANES):
            y = ROAD_TOP + line * LANE_HEIGHT - 1
            for x in range(start, SIZE, DASH_PERIOD):
                canvas.box(x, y, DASH_LENGTH, 2, DASH)
        for slot in game.slots:
            if slot.active:
                _draw_car(canvas, slot.x, slot.y, slot.length, TRAFFIC[slot.kind], CAR_EDGE)
        _draw_car(canvas, game.x, game.y, CAR_LENGTH, AGENT, AGENT_EDGE)
        front, middle = game.x + CAR_LENGTH + 4, game.y + HALF_HEIGHT
        arrow = Canvas(8, 10, clear=True)
        arrow.polygon([(0, 0), (8, 5), (0, 10)], AGENT)
        canvas.paste(arrow, front, middle - 5, alpha=128)
        if game.t - game.collided <= FLASH:
            canvas.veil(ALARM, 50)
        return canvas


def _draw_car(canvas: Canvas, x: float, y: float, length: int, fill: Colour, edge: Colour) -> None:
    for wheel_x in (x + 6, x + length - 6):
        for wheel_y in (y, y + CAR_HEIGHT):
            canvas.disc(wheel_x, wheel_y, 2, WHEEL)
    canvas.box(x, y, length, CAR_HEIGHT, fill, 2, edge, radius=4)
    # A windscreen at the front, which for everyone is on the right.
    glass = mix(fill, (20, 25, 35), 0.6)
    canvas.box(x + length - 11, y + 4, 4, CAR_HEIGHT - 8, glass, radius=1)
