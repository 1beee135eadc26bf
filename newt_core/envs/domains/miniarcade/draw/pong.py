"""Pong: two paddles, a ball and the score."""

from __future__ import annotations

from random import Random

from newt_core.envs.domains.miniarcade.base import INNER_LOW, INNER_SIDE
from newt_core.envs.domains.miniarcade.draw.canvas import Canvas, Painter
from newt_core.envs.domains.miniarcade.palette import AGENT, BLACK, OPPONENT, WHITE
from newt_core.envs.domains.miniarcade.pong import (
    AGENT_X,
    BALL_SIDE,
    OPPONENT_X,
    PADDLE_HEIGHT,
    PADDLE_WIDTH,
    Pong,
)

FIGURE = 14
"""Height of the score's figures."""


class PongPainter(Painter[Pong]):
    """Looks the same in every episode."""

    def _scenery(self, draw: Random) -> None:
        self._field = Canvas()
        self._field.fill(BLACK)
        self._field.box(INNER_LOW, INNER_LOW, INNER_SIDE, INNER_SIDE, None, 2, WHITE)

    def _paint(self, game: Pong, flicker: Random) -> Canvas:
        canvas = self._field.copy()
        paddle = (PADDLE_WIDTH, PADDLE_HEIGHT)
        canvas.box(AGENT_X, game.agent_y, *paddle, AGENT, radius=1)
        canvas.box(OPPONENT_X, game.opponent_y, *paddle, OPPONENT, radius=1)
        half = BALL_SIDE / 2
        canvas.box(game.x - half, game.y - half, BALL_SIDE, BALL_SIDE, WHITE, radius=1)
        canvas.text(str(game.agent_points), 36, 3, FIGURE, AGENT)
        canvas.text(str(game.opponent_points), 188, 3, FIGURE, OPPONENT, anchor=1)
        return canvas
