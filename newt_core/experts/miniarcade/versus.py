"""Players of the games against an opponent: pong, air hockey, tag."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, hypot, pi, sin

from newt_core.envs.domains.miniarcade import air_hockey as hockey_game
from newt_core.envs.domains.miniarcade import chase_evade as tag_game
from newt_core.envs.domains.miniarcade import pong as pong_game
from newt_core.envs.domains.miniarcade.base import INNER_LOW, INNER_SIDE, SIZE
from newt_core.experts.policy import Policy


def pong() -> Policy:
    """Wait where the ball will come, folding its straight path at the walls."""
    top = INNER_LOW + pong_game.BALL_SIDE
    span = INNER_SIDE - 2 * pong_game.BALL_SIDE

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, y, vx, vy, paddle, _ = obs
        target = SIZE / 2
        if vx < 0:
            steps = (x * SIZE - pong_game.AGENT_X) / (-vx * pong_game.BALL_SPEED)
            path = (y * SIZE + vy * pong_game.BALL_SPEED * steps - top) % (2 * span)
            target = top + min(path, 2 * span - path)
        middle = paddle * SIZE + pong_game.PADDLE_HEIGHT / 2
        return [(target - middle) / pong_game.PADDLE_SPEED]

    return act


def air_hockey() -> Policy:
    """Strike a puck in the own half towards the free side of the goal; else guard the own one."""
    hockey = hockey_game

    def act(obs: Sequence[float]) -> Sequence[float]:
        puck_x, puck_y, x, y, opponent_x = (obs[i] * SIZE for i in (0, 1, 4, 5, 8))
        puck_x += obs[2] * hockey.MAX_PUCK_SPEED
        puck_y += obs[3] * hockey.MAX_PUCK_SPEED
        if puck_y >= y:  # it is behind: get below it, not in its way
            aim = puck_x + (20 if puck_x < x else -20), hockey.AGENT_BOTTOM
        elif puck_y > hockey.MIDDLE - 6:
            goal_x = hockey.MIDDLE + (20 if opponent_x < hockey.MIDDLE else -20)
            dx, dy = puck_x - goal_x, puck_y - hockey.TOP
            behind = 4.0 / hypot(dx, dy)
            aim = puck_x + behind * dx, puck_y + behind * dy
        else:
            aim = hockey.MIDDLE + 0.5 * (puck_x - hockey.MIDDLE), 182.0
        return [(aim[0] - x) / hockey.PADDLE_SPEED, (aim[1] - y) / hockey.PADDLE_SPEED]

    return act


def chase_evade() -> Policy:
    """Run where, some steps later, the opponent is nearest (pursuing) or furthest (evading).

    Each action is a velocity of its own, so that diagonals are the fastest ways.
    """
    angles = [2 * pi * way / 16 for way in range(16)]
    ways = [
        (cos(a) / max(abs(cos(a)), abs(sin(a))), sin(a) / max(abs(cos(a)), abs(sin(a))))
        for a in angles
    ]

    def act(obs: Sequence[float]) -> Sequence[float]:
        places = [place * SIZE for place in obs]
        pillars = [(places[i], places[i + 1]) for i in (9, 11, 13)]
        sign = 1.0 if obs[8] else -1.0
        here, other = (places[0], places[1]), (places[4], places[5])
        return max(ways, key=lambda way: sign * _gap(here, other, way, sign, pillars))

    return act


def _gap(
    here: tuple[float, float],
    other: tuple[float, float],
    way: tuple[float, float],
    sign: float,
    pillars: list[tuple[float, float]],
) -> float:
    """Return how far apart both are while one keeps to its way and the other pursues or flees."""
    (x, y), (ox, oy), total = here, other, 0.0
    speed, other_speed = tag_game.EVADER_SPEED, tag_game.SPEED
    if sign < 0:
        speed, other_speed = other_speed, speed
    for _ in range(12):
        x, y = _inside_arena(x + speed * way[0], y + speed * way[1])
        distance = max(hypot(x - ox, y - oy), 1e-6)
        ox += sign * other_speed * (x - ox) / distance
        oy += sign * other_speed * (y - oy) / distance
        ox, oy = _inside_arena(ox, oy)
        total += hypot(x - ox, y - oy)
        if any(hypot(x - px, y - py) < tag_game.PILLAR_REACH for px, py in pillars):
            total -= sign * 40.0
    return total


def _inside_arena(x: float, y: float) -> tuple[float, float]:
    dx, dy = x - tag_game.CENTRE_X, y - tag_game.CENTRE_Y
    inwards = min(1.0, tag_game.REACH / max(hypot(dx, dy), 1e-6))
    return tag_game.CENTRE_X + dx * inwards, tag_game.CENTRE_Y + dy * inwards
