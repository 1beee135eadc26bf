"""Air hockey: a dark rink with two goals."""

from __future__ import annotations

from random import Random

from newt_core.envs.domains.miniarcade.air_hockey import (
    BOTTOM,
    LEFT,
    MIDDLE,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    PADDLE_RADIUS,
    PUCK_RADIUS,
    RIGHT,
    TOP,
    AirHockey,
)
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.palette import AGENT, BLACK, OPPONENT, WHITE, mix

BORDER, MIDLINE = (200, 200, 200), (80, 80, 80)
MOUTH_PATCH = 8
"""Height of the gaps in the border."""
FIGURE = 14
"""Height of the score's figures."""


class AirHockeyPainter(Painter[AirHockey]):
    """Looks the same in every episode."""

    def _scenery(self, draw: Random) -> None:
        rink = Canvas()
        rink.fill(BLACK)
        rink.box(LEFT, MIDDLE - 1, RIGHT - LEFT, 2, MIDLINE)
        rink.box(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP, None, 2, BORDER)
        for y in (TOP - 2, BOTTOM - 2):
            rink.box(MOUTH_LEFT, y, MOUTH_RIGHT - MOUTH_LEFT, MOUTH_PATCH, BLACK)
        self._rink = rink

    def _paint(self, game: AirHockey, flicker: Random) -> Canvas:
        canvas = self._rink.copy()
        for paddle, colour in ((game.opponent, OPPONENT), (game.agent, AGENT)):
            canvas.disc(paddle.x, paddle.y, PADDLE_RADIUS, colour)
            canvas.disc(paddle.x, paddle.y, PADDLE_RADIUS / 2, mix(colour, BLACK, 0.25))
        canvas.disc(game.puck.x, game.puck.y, PUCK_RADIUS, WHITE)
        canvas.text(str(game.opponent_goals), MIDDLE, 3, FIGURE, OPPONENT, anchor=0.5)
        canvas.text(str(game.agent_goals), MIDDLE, 207, FIGURE, AGENT, anchor=0.5)
        return canvas
