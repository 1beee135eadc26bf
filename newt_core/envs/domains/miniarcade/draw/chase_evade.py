"""Chase and evade: two players with pointed hats in a dark round arena."""

from __future__ import annotations

from random import Random

from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.chase_evade import (
    ARENA_RADIUS,
    CENTRE_X,
    CENTRE_Y,
    PILLAR_RADIUS,
    Character,
    ChaseEvade,
)
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.palette import AGENT, BLACK, WHITE, Colour, mix

OPPONENT = (70, 160, 70)
SKY_TOP, SKY_BOTTOM = (130, 185, 180), (80, 170, 180)
TEAM_SHARE = 0.25
"""Of the evader's colour in the sky."""
FADE_STEPS = 10
FLOOR, FLOOR_EDGE = (40, 40, 45), (220, 220, 220)
PILLAR, STRIP = (130, 130, 130), (90, 90, 95)
BODY = (220, 220, 220)
RING_STEPS, RING_MIN, RING_MAX = 12, 10, 50
SKY_SHADES = 11
"""Skies that are kept, from one team's colour to the other's."""


class ChaseEvadePainter(Painter[ChaseEvade]):
    """Looks the same in every episode."""

    def __init__(self) -> None:
        super().__init__()
        self._arenas: dict[int, Canvas] = {}

    def _scenery(self, draw: Random) -> None:
        """Nothing differs between episodes."""

    def _arena(self, agents_share: float) -> Canvas:
        """Return the arena under a sky of both teams' colours."""
        shade = round(agents_share * (SKY_SHADES - 1))
        if shade not in self._arenas:
            team = mix(OPPONENT, AGENT, shade / (SKY_SHADES - 1))
            arena = Canvas()
            colours = (mix(SKY_TOP, team, TEAM_SHARE), mix(SKY_BOTTOM, team, TEAM_SHARE))
            arena.gradient(0, SIZE, *colours)
            arena.disc(CENTRE_X, CENTRE_Y, ARENA_RADIUS, FLOOR, 2, FLOOR_EDGE)
            self._arenas[shade] = arena
        return self._arenas[shade]

    def _paint(self, game: ChaseEvade, flicker: Random) -> Canvas:
        age = game.t - game.caught
        new = min(1.0, age / FADE_STEPS)
        canvas = self._arena(new if game.agent_evades else 1 - new).copy()
        evader = AGENT if game.agent_evades else OPPONENT
        canvas.stroke([(CENTRE_X, CENTRE_Y + 5), (CENTRE_X, CENTRE_Y - 7)], 1, FLOOR_EDGE)
        flag = [(CENTRE_X, CENTRE_Y - 7), (CENTRE_X + 8, CENTRE_Y - 4)]
        canvas.polygon([*flag, (CENTRE_X, CENTRE_Y - 1)], evader)
        for x, y in game.pillars:
            canvas.disc(x, y, PILLAR_RADIUS, PILLAR)
            canvas.box(x - PILLAR_RADIUS, y - 2, 2 * PILLAR_RADIUS, 4, STRIP, radius=1)
        _draw_character(canvas, game.opponent, OPPONENT)
        _draw_character(canvas, game.agent, AGENT)
        if age < RING_STEPS:
            # The one who was caught pursues now.
            wave = 1 - abs(2 * age / RING_STEPS - 1)
            radius = RING_MIN + (RING_MAX - RING_MIN) * wave
            caught = OPPONENT if game.agent_evades else AGENT
            canvas.disc(game.caught_x, game.caught_y, radius, None, 2, caught)
        _label(canvas, "ORANGE" if game.agent_evades else "GREEN", evader)
        left = 3 - game.counter // 5
        if game.swapping and left > 0:
            canvas.text(str(left), CENTRE_X, CENTRE_Y - 44, 20, WHITE, anchor=0.5)
        return canvas


def _label(canvas: Canvas, text: str, colour: Colour) -> None:
    """Name the evader's colour, in it and outlined."""
    canvas.text(text, 6, 6, 12, BLACK, weight=0.34)
    canvas.text(text, 6, 6, 12, colour)


def _draw_character(canvas: Canvas, character: Character, colour: Colour) -> None:
    x, y = character.x, character.y
    for side in (-1, 1):
        canvas.ellipse(x + 3 * side, y + 9, 2.6, 1.8, colour)
    canvas.ellipse(x, y, 6, 9, BODY)
    canvas.box(x - 5.5, y + 1, 11, 3, colour, radius=1)
    canvas.polygon([(x - 5, y - 5), (x + 5, y - 5), (x, y - 15)], colour)
    for side in (-1, 1):
        canvas.disc(x + 2 * side, y - 2, 0.9, BLACK)
