"""Landing: a helicopter above a ship at sea, under a pale starry sky."""

from __future__ import annotations

from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.landing import (
    DECK_BOTTOM,
    DECK_HALF,
    DECK_HEIGHT,
    DECK_TOP,
    DECK_WIDTH,
    HEIGHT,
    WATER_Y,
    WIDTH,
    Landing,
)

SKY, WATER, STAR = (150, 190, 255), (50, 120, 200), (240, 240, 255)
STARS = 40
HULL, HULL_EDGE = (120, 120, 140), (80, 80, 100)
HULL_HEIGHT, HULL_TAPER, BOW = 16, 10, 10
DECK, DECK_EDGE = (240, 240, 240), (180, 180, 180)
CABIN, WINDOW, FLAG, POLE = (230, 230, 235), (90, 150, 220), (220, 40, 40), (90, 90, 100)
BODY, BODY_EDGE = (180, 200, 220), (90, 120, 180)
METAL = (110, 110, 120)
CONTACT = (80, 220, 120)


class LandingPainter(Painter[Landing]):
    """The stars differ from episode to episode."""

    def _scenery(self, draw: Random) -> None:
        self._sea = Canvas()
        self._sea.fill(SKY)
        for _ in range(STARS):
            self._sea.disc(draw.uniform(0, SIZE), draw.uniform(0, WATER_Y - 2), 1, STAR)
        self._sea.box(0, WATER_Y, SIZE, SIZE - WATER_Y, WATER)

    def _paint(self, game: Landing, flicker: Random) -> Canvas:
        canvas = self._sea.copy()
        _draw_ship(canvas, game)
        _draw_helicopter(canvas, game)
        if game.contact:
            canvas.veil(CONTACT, 40)
        return canvas


def _draw_ship(canvas: Canvas, game: Landing) -> None:
    left, right = game.ship_x - DECK_HALF, game.ship_x + DECK_HALF
    keel = DECK_BOTTOM + HULL_HEIGHT
    hull = [(left, DECK_BOTTOM), (right, DECK_BOTTOM)]
    hull += [(right - HULL_TAPER, keel), (left + HULL_TAPER, keel)]
    canvas.polygon(hull, HULL, 1, HULL_EDGE)
    front = right if game.heading > 0 else left
    bow = [(front, DECK_TOP), (front + BOW * game.heading, DECK_TOP + 3), (front, DECK_BOTTOM)]
    canvas.polygon(bow, HULL, 1, HULL_EDGE)
    canvas.box(left, DECK_TOP, DECK_WIDTH, DECK_HEIGHT, DECK, 2, DECK_EDGE)
    canvas.box(left + 4, DECK_TOP + DECK_HEIGHT / 2 - 0.5, DECK_WIDTH - 8, 1, DECK_EDGE)
    stern = left + 2 if game.heading > 0 else right - 20
    canvas.box(stern, DECK_TOP - 12, 18, 12, CABIN, 1, DECK_EDGE)
    for window in range(3):
        canvas.box(stern + 2.5 + 4.7 * window, DECK_TOP - 9, 3.5, 4, WINDOW)
    canvas.box(game.ship_x - 0.5, DECK_TOP - 10, 1, 10, POLE)
    flag = [(game.ship_x, DECK_TOP - 10), (game.ship_x + 7, DECK_TOP - 7.5)]
    canvas.polygon([*flag, (game.ship_x, DECK_TOP - 5)], FLAG)


def _draw_helicopter(canvas: Canvas, game: Landing) -> None:
    left, top = game.x, game.y
    middle = left + WIDTH / 2
    canvas.stroke([(left + 8, top + 8), (left - 6, top + 6)], 2, BODY_EDGE)
    canvas.stroke([(left - 6, top + 3), (left - 6, top + 9)], 2, BODY_EDGE)
    kite = [(left + 2, top + 9), (middle, top + 3), (left + WIDTH, top + 9), (middle, top + 15)]
    canvas.polygon(kite, BODY, 2, BODY_EDGE)
    for leg in (middle - 5, middle + 5):
        canvas.stroke([(leg, top + 13), (leg, top + HEIGHT - 1)], 1, METAL)
    canvas.stroke([(middle - 10, top + HEIGHT - 1), (middle + 10, top + HEIGHT - 1)], 1.5, METAL)
    canvas.stroke([(middle, top), (middle, top + 4)], 1.5, METAL)
    canvas.stroke([(middle - 16, top), (middle + 16, top)], 1.5, METAL)
