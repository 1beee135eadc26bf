"""Pong against a scripted right paddle."""

from __future__ import annotations

from math import cos, pi, sin

from newt_core.envs.domains.miniarcade.base import (
    INNER_HIGH,
    INNER_LOW,
    INNER_SIDE,
    SIZE,
    Game,
    clip,
    overlap,
)

PADDLE_WIDTH, PADDLE_HEIGHT = 6, 40
AGENT_X, OPPONENT_X = 30, 188
"""Left edges of the paddles."""
PADDLE_LOWEST = INNER_HIGH - PADDLE_HEIGHT
PADDLE_SPEED = 8.5
BALL_SPEED = 8.0
BALL_SIDE = 7
"""The ball is a square of this side, but bounces off top and bottom with it as its margin."""

SIGHT = 0.3
"""The opponent looks at the ball beyond this share of the field's width."""
REACTION = (2, 6)
"""Steps that the opponent takes to react: least and most."""


class Pong(Game):
    """Two paddles and a ball. A missed ball is a point for the other side."""

    painter = "pong"

    def __init__(self) -> None:
        super().__init__()
        self.agent_y = self.opponent_y = 0.0
        """Upper edges of the paddles."""
        self.x = self.y = self.vx = self.vy = 0.0
        """The ball's middle and velocity."""
        self.agent_points = self.opponent_points = 0
        self._delay = 0
        self._watching = False
        self._point = 0.0

    def _begin(self) -> None:
        self.agent_y = self.opponent_y = (INNER_LOW + PADDLE_LOWEST) / 2
        self.agent_points = self.opponent_points = 0
        self._delay, self._watching = 0, False
        self._serve()

    def _serve(self) -> None:
        angle = pi * self._random.uniform(-0.5, 0.5)
        self.x = self.y = SIZE / 2
        self.vx = BALL_SPEED * cos(angle) * self._random.choice((-1, 1))
        self.vy = BALL_SPEED * sin(angle)

    def _advance(self, action: list[float]) -> None:
        self.agent_y = clip(self.agent_y + PADDLE_SPEED * action[0], INNER_LOW, PADDLE_LOWEST)
        self._move_opponent()
        self._move_ball()
        self._point = 0.0
        if self.x < INNER_LOW:
            self._point = -1.0
            self.opponent_points += 1
        elif self.x > INNER_HIGH:
            self._point = 1.0
            self.agent_points += 1
        if self._point:
            self._serve()

    def _move_opponent(self) -> None:
        """Follow the ball, the faster the closer it comes, after a moment of reaction."""
        place = (self.x - INNER_LOW) / INNER_SIDE
        if place <= SIGHT:
            self._watching = False
            return
        if not self._watching:
            self._watching, self._delay = True, self._random.randint(*REACTION)
        if self._delay > 0:
            self._delay -= 1
            return
        speed = PADDLE_SPEED * (0.5 + 0.35 * clip((place - SIGHT) / 0.65, 0.0, 1.0))
        down = self.y - PADDLE_HEIGHT / 2 > self.opponent_y
        moved = self.opponent_y + (speed if down else -speed)
        self.opponent_y = clip(moved, INNER_LOW, PADDLE_LOWEST)

    def _move_ball(self) -> None:
        self.x += self.vx
        self.y += self.vy
        if self.y - BALL_SIDE < INNER_LOW or self.y + BALL_SIDE > INNER_HIGH:
            self.vy = -self.vy
        paddle = (AGENT_X, self.agent_y) if self.vx < 0 else (OPPONENT_X, self.opponent_y)
        corner = (self.x - BALL_SIDE / 2, self.y - BALL_SIDE / 2)
        if overlap(*corner, BALL_SIDE, BALL_SIDE, *paddle, PADDLE_WIDTH, PADDLE_HEIGHT):
            self.vx = -self.vx

    def _reward(self) -> float:
        return self._point

    def _observe(self) -> tuple[float, ...]:
        return (
            self.x / SIZE,
            self.y / SIZE,
            self.vx / BALL_SPEED,
            self.vy / BALL_SPEED,
            self.agent_y / SIZE,
            self.opponent_y / SIZE,
        )
