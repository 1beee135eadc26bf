"""Players of the games of coins: spaceship, coinrun, rocket collect."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, hypot, pi, sin

from newt_core.envs.domains.miniarcade import rocket_collect as rocket_game
from newt_core.envs.domains.miniarcade import runner as runner_game
from newt_core.envs.domains.miniarcade import spaceship as spaceship_game
from newt_core.envs.domains.miniarcade.base import SIZE
from newt_core.envs.domains.miniarcade.rows import COIN_RADIUS, SPACING
from newt_core.experts.policy import Policy


def spaceship() -> Policy:
    """Stay on the left, at the height of the next coin or, if it is nearer, off the asteroid."""
    half_width, half_height = spaceship_game.WIDTH / 2, spaceship_game.HEIGHT / 2
    clearance = spaceship_game.ASTEROID_RADIUS + half_height + 6

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, y = obs[0] * SIZE + half_width, obs[1] * SIZE + half_height
        vx, vy = obs[2] * spaceship_game.MAX_SPEED, obs[3] * spaceship_game.MAX_SPEED
        coins = [(obs[i] * SIZE, obs[i + 1] * SIZE) for i in (4, 6, 8, 10)]
        ahead = [coin for coin in coins if coin[0] > x - 12]
        heights = [coin[1] for coin in ahead if coin[0] < ahead[0][0] + SPACING + 1]
        wanted = sum(heights) / len(heights) if heights else y
        rock_x, rock_y = obs[12] * SIZE, obs[13] * SIZE
        rock_is_next = -50 < rock_x - x < 150 and (not ahead or ahead[0][0] > rock_x - 60)
        if rock_is_next and abs(wanted - rock_y) < clearance:
            above = rock_y > SIZE - 60 or (wanted < rock_y and rock_y > 60)
            wanted = rock_y - clearance if above else rock_y + clearance
        return [0.1 * (60 - x) - 0.5 * vx, 0.15 * (wanted - y) - 0.4 * vy]

    return act


def coinrun() -> Policy:
    """On the ground, try jumps of several heights and moments and begin the best one in time."""
    plans = [(wait, jump) for wait in range(4) for jump in (0.0, 0.4, 0.55, 0.7, 0.85, 1.0)]

    def act(obs: Sequence[float]) -> Sequence[float]:
        coins = [(obs[i] * SIZE, obs[i + 1] * SIZE) for i in range(2, 12, 2) if obs[i] >= 0]
        if obs[0] < 0 or not coins or coins[0][0] > 0.8 * SIZE:
            return [0.0]
        # Most coins; among equals the latest and then the lowest jump.
        wait, jump = max(plans, key=lambda plan: (_coins_of_jump(coins, *plan), plan[0], -plan[1]))
        return [jump if wait == 0 else 0.0]

    return act


def _coins_of_jump(coins: list[tuple[float, float]], wait: int, action: float) -> int:
    """Return how many coins a runner gets that jumps after ``wait`` steps and lands again."""
    runner, left, collected = runner_game.Runner(), coins, 0
    for step in range(30):
        runner.move(action if step == wait else 0.0)
        if step > wait and runner.y == runner_game.GROUND_Y:
            break
        past = runner_game.SCROLL * (step + 1)
        reach = COIN_RADIUS - 1.0  # whole pixels may take one away
        missed = [
            (x, y)
            for x, y in left
            if not (
                x - past + reach > runner_game.X
                and x - past - reach < runner_game.X + runner_game.WIDTH
                and runner.y < y + reach
                and y - reach < runner.y + runner_game.HEIGHT
            )
        ]
        collected += len(left) - len(missed)
        left = missed
    return collected


def rocket_collect() -> Policy:
    """Push, in the direction whose path comes nearest to the coin, clear of the asteroids."""
    ways = [(cos(2 * pi * way / 12), sin(2 * pi * way / 12)) for way in range(12)]

    def act(obs: Sequence[float]) -> Sequence[float]:
        rocks = [
            (obs[i] * SIZE, obs[i + 1] * SIZE, obs[i + 2] * 4.0, obs[i + 3] * 4.0)
            for i in (9, 13, 17)
            if obs[i + 2] or obs[i + 3]
        ]
        return min(ways, key=lambda way: _flight_cost(obs, way, rocks))

    return act


def _flight_cost(
    obs: Sequence[float], way: tuple[float, float], rocks: list[tuple[float, float, float, float]]
) -> float:
    """Return how far from the coin, and how near to asteroids, a flight leads."""
    rocket = rocket_game
    x, y, coin_x, coin_y = (obs[i] * SIZE for i in (0, 1, 4, 5))
    vx, vy = obs[2] * rocket.MAX_SPEED, obs[3] * rocket.MAX_SPEED
    nearest, cost = rocket.DIAGONAL, 0.0
    for step in range(1, 13):
        vx, vy = (
            (vx + rocket.THRUST * way[0]) * rocket.DRAG,
            (vy + rocket.THRUST * way[1]) * rocket.DRAG,
        )
        slow = min(1.0, rocket.MAX_SPEED / max(hypot(vx, vy), 1e-6))
        vx, vy = vx * slow, vy * slow
        x = min(max(x + vx, rocket.LOW), rocket.HIGH)
        y = min(max(y + vy, rocket.LOW), rocket.HIGH)
        nearest = min(nearest, hypot(coin_x - x, coin_y - y) + step)
        for rock_x, rock_y, rock_vx, rock_vy in rocks:
            distance = hypot(rock_x + step * rock_vx - x, rock_y + step * rock_vy - y)
            cost += 5.0 * max(0.0, rocket.HIT_DISTANCE + 4 - distance)
    return cost + nearest
