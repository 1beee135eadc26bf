"""Reacher: an arm on a softly coloured ground with a double frame."""

from __future__ import annotations

from math import cos, sin
from random import Random

from newt_core.envs.domains.miniarcade.base import INNER_LOW, INNER_SIDE, SIZE
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.palette import AGENT, mix
from newt_core.envs.domains.miniarcade.reacher import LINK, TRAIL, Reacher

PIXELS_PER_METRE = 376.36
MIDDLE = SIZE / 2

TEAL, PURPLE, PINK = (120, 160, 160), (115, 95, 165), (160, 90, 130)
"""Of the ground, from the upper left to the lower right corner."""
CYAN, MAGENTA = (60, 220, 255), (255, 70, 200)
TARGET, TARGET_EDGE = (210, 70, 60), (220, 80, 70)
TIP = (230, 230, 230)


def pixel(x: float, y: float) -> tuple[float, float]:
    """Return where a place in metres is drawn."""
    return MIDDLE + PIXELS_PER_METRE * x, MIDDLE - PIXELS_PER_METRE * y


class ReacherPainter(Painter[Reacher]):
    """Looks the same in every episode."""

    def __init__(self) -> None:
        super().__init__()
        self._ground = Canvas()
        for band in range(2 * SIZE):
            share = band / SIZE
            colour = mix(TEAL, PURPLE, share) if share < 1 else mix(PURPLE, PINK, share - 1)
            corners = [(band, 0), (band + 1.5, 0), (0, band + 1.5), (0, band)]
            self._ground.polygon(corners, colour)
        inner = Canvas(INNER_SIDE, INNER_SIDE, clear=True)
        inner.box(0, 0, INNER_SIDE, INNER_SIDE, (0, 0, 0), radius=14)
        self._ground.paste(inner, INNER_LOW, INNER_LOW, alpha=30)
        for inset, width, colour in ((0, 2, CYAN), (5, 1, MAGENTA)):
            corner, side = INNER_LOW + inset, INNER_SIDE - 2 * inset
            self._ground.box(corner, corner, side, side, None, width, colour, radius=14 - inset)

    def _scenery(self, draw: Random) -> None:
        """Nothing differs between episodes."""

    def _paint(self, game: Reacher, flicker: Random) -> Canvas:
        canvas = self._ground.copy()
        radius = int(PIXELS_PER_METRE * game.target_radius)
        canvas.disc(*pixel(game.target_x, game.target_y), radius, TARGET, 3, TARGET_EDGE)
        for age, place in enumerate(reversed(game.trail)):
            canvas.soft_disc(*pixel(*place), 3, TIP, 110 * (1 - age / TRAIL))
        base = pixel(0, 0)
        elbow = pixel(LINK * cos(game.shoulder), LINK * sin(game.shoulder))
        tip = pixel(game.tip_x, game.tip_y)
        canvas.stroke([base, elbow], 6, (180, 180, 180))
        canvas.stroke([elbow, tip], 6, AGENT)
        canvas.disc(*base, 4, (160, 160, 160), 1, (110, 110, 110))
        canvas.disc(*elbow, 4, (255, 200, 120))
        canvas.disc(*tip, 3, TIP)
        return canvas
