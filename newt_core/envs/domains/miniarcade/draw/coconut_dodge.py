"""Coconut dodge: a beach at sunset with dunes and palms."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from newt_core.envs.domains.miniarcade.coconut_dodge import (
    CRACKED_STEPS,
    FOOTPRINTS,
    HIGH,
    LOW,
    SIDE,
    WALKER_Y,
    Coconut,
    CoconutDodge,
)
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.palette import BLACK, WHITE

HORIZON = 104
DUSK, SUNSET = (80, 40, 120), (252, 165, 3)
SAND, FAR_DUNE, NEAR_DUNE = (196, 178, 128), (208, 190, 140), (192, 175, 132)
STARS, STAR_ALPHA = 22, 110
PALM = (50, 35, 20)
PALMS = ((68, 120, 1.1), (164, 110, 0.55))
"""Foot's x and y, and scale."""
BORDER = (230, 230, 230)
BODY, ARM, FOOT = (235, 205, 170), (160, 120, 90), (90, 70, 55)
SHELLS, RIM, SPECKLE, FLESH = (
    ((133, 102, 62), (110, 82, 46)),
    (90, 66, 38),
    (70, 52, 30),
    (240, 228, 205),
)
DUST, PARTICLES, DUST_STEPS = (215, 195, 150), 16, 16
PAIN = (186, 108, 24)
PRIME = 15_485_863
"""Sets the random looks of one coconut apart from the next one's."""


class CoconutDodgePainter(Painter[CoconutDodge]):
    """Stars, dunes, palms and coconuts differ from episode to episode."""

    def _scenery(self, draw: Random) -> None:
        beach = Canvas()
        beach.fill(BLACK)
        beach.gradient(LOW, HORIZON, DUSK, SUNSET, LOW, HIGH)
        for _ in range(STARS):
            place = (draw.randint(18, 205), draw.randint(18, 97))
            beach.soft_disc(*place, draw.randint(1, 2) * 0.7, WHITE, STAR_ALPHA)
        beach.box(LOW, HORIZON, SIDE, HIGH - HORIZON, SAND)
        far, near = draw.uniform(3, 5), draw.uniform(4.5, 6)
        first, second = draw.uniform(0, 2 * pi), draw.uniform(0, 2 * pi)
        columns = range(int(SIDE) + 1)
        ridge = [(LOW + i, HORIZON + far * (1 + sin(i / 23 + first))) for i in columns]
        beach.polygon([*ridge, (HIGH, HIGH), (LOW, HIGH)], FAR_DUNE)
        ridge = [(LOW + i, HORIZON + 12 + near * sin((i + 40) / 19 + second)) for i in columns]
        beach.polygon([*ridge, (HIGH, HIGH), (LOW, HIGH)], NEAR_DUNE)
        for side, (x, y, scale) in zip((1, -1), PALMS, strict=True):
            _draw_palm(beach, x, y, scale * draw.uniform(0.9, 1.1), side)
        self._beach = beach

    def _paint(self, game: CoconutDodge, flicker: Random) -> Canvas:
        canvas = self._beach.copy()
        for age, x in enumerate(reversed(game.footprints)):
            canvas.soft_disc(x, 209, 1.6, FOOT, 120 * (1 - age / FOOTPRINTS))
        _draw_walker(canvas, game)
        for coconut in game.coconuts:
            looks = Random(game.look + PRIME * coconut.serial)
            if coconut.cracked:
                _draw_halves(canvas, coconut, looks)
            else:
                _draw_coconut(canvas, coconut, looks)
        for start, x in game.cracks:
            _draw_dust(canvas, x, game.t - start, Random(game.look + PRIME * start))
        canvas.box(LOW - 2, LOW - 2, SIDE + 4, SIDE + 4, None, 2, BORDER)
        if game.hit_timer:
            canvas.veil(PAIN, 70)
            canvas.shift(flicker.randint(-3, 3), flicker.randint(-3, 3), BLACK)
        return canvas


def _draw_palm(canvas: Canvas, x: float, y: float, scale: float, side: int) -> None:
    height, bend = 44 * scale, 7 * scale * side
    trunk = [(x + bend * (i / 8) ** 2, y - height * i / 8) for i in range(9)]
    canvas.stroke(trunk, 4 * scale, PALM)
    top_x, top_y = trunk[-1]
    for frond in range(6):
        angle = pi * (frond + 0.5) / 6
        length = 26 * scale
        spine = []
        for step in range(6):
            out = length * step / 5
            droop = 0.45 * length * (step / 5) ** 2
            spine.append((top_x + out * cos(angle), top_y - 0.6 * out * sin(angle) + droop))
        canvas.stroke(spine, 2.6 * scale, PALM)


def _draw_walker(canvas: Canvas, game: CoconutDodge) -> None:
    x, y = game.x, WALKER_Y - 6
    swing = 4 * sin(game.t * 0.6) * min(1.0, abs(game.v))
    for side in (-1, 1):
        canvas.ellipse(x + 3.5 * side + 0.4 * swing * side, y + 10, 3, 2, FOOT)
        canvas.stroke([(x + 6 * side, y - 3), (x + 9 * side, y + 4 + swing * side)], 3, ARM)
    canvas.ellipse(x, y, 7, 9, BODY)
    canvas.disc(x, y - 11, 5, BODY, 0.7, ARM)


def _draw_coconut(canvas: Canvas, coconut: Coconut, looks: Random) -> None:
    shell, x, y, radius = looks.choice(SHELLS), coconut.x, coconut.y, coconut.radius
    canvas.disc(x, y, radius, shell, 2, RIM)
    if looks.random() < 0.5:
        canvas.stroke([(x - radius + 3, y - 1), (x + radius - 3, y + 1)], 1, RIM)
    for _ in range(looks.randint(2, 4)):
        angle, out = looks.uniform(0, 2 * pi), looks.uniform(0, radius - 3)
        canvas.disc(x + out * cos(angle), y + out * sin(angle), 0.9, SPECKLE)


def _draw_halves(canvas: Canvas, coconut: Coconut, looks: Random) -> None:
    shell, radius = looks.choice(SHELLS), coconut.radius
    apart = 6 * (1 - coconut.cracked / CRACKED_STEPS)
    for side in (-1, 1):
        x = coconut.x + side * apart
        arc = [
            (x + side * radius * sin(pi * i / 12), coconut.y - radius * cos(pi * i / 12))
            for i in range(13)
        ]
        canvas.polygon(arc, shell, 1, RIM)
        canvas.ellipse(x + side, coconut.y, 1.5, radius * 0.75, FLESH)


def _draw_dust(canvas: Canvas, x: float, age: int, draw: Random) -> None:
    if age >= DUST_STEPS:
        return
    for _ in range(PARTICLES):
        across, up = draw.uniform(-1.3, 1.3), draw.uniform(0.2, 1.1)
        place = (x + across * age, HIGH - 3 - up * age + 0.02 * age * age)
        canvas.soft_disc(*place, 1.3, DUST, 200 * (1 - age / DUST_STEPS))
