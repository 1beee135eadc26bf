"""A simple player for every MiniArcade game; none is perfect, all are far above random.

A player sees only what an agent sees: the observation. Where it needs the games' units, it
multiplies by the constants that the games divide by.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import acos, atan2, copysign, cos, hypot, pi, remainder, sin
from typing import Any

import numpy as np

from newt_core.envs.domains.miniarcade import air_hockey as hockey_game
from newt_core.envs.domains.miniarcade import bird_attack as bird_game
from newt_core.envs.domains.miniarcade import cartpole as cartpole_game
from newt_core.envs.domains.miniarcade import chase_evade as tag_game
from newt_core.envs.domains.miniarcade import coconut_dodge as coconut_game
from newt_core.envs.domains.miniarcade import highway as highway_game
from newt_core.envs.domains.miniarcade import landing as landing_game
from newt_core.envs.domains.miniarcade import point_maze as maze_game
from newt_core.envs.domains.miniarcade import pong as pong_game
from newt_core.envs.domains.miniarcade import reacher as reacher_game
from newt_core.envs.domains.miniarcade import rocket_collect as rocket_game
from newt_core.envs.domains.miniarcade import runner as runner_game
from newt_core.envs.domains.miniarcade import spaceship as spaceship_game
from newt_core.envs.domains.miniarcade.base import INNER_HIGH, INNER_LOW, INNER_SIDE, SIZE
from newt_core.envs.domains.miniarcade.rows import COIN_RADIUS, SPACING
from newt_core.errors import SpecError
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

Player = Callable[[FloatArray], FloatArray]
"""[obs_dim] → [action_dim] in [-1, 1]; called with every observation of one episode in turn."""

_Policy = Callable[[Sequence[float]], Sequence[float]]
"""The same with plain numbers, and actions that are yet to be clipped."""


def player(spec: TaskSpec) -> Player:
    """Return a new player of a MiniArcade task, for one episode: some have a memory.

    Raises:
        SpecError: the task is of another domain.
    """
    name = spec.env.get("game")
    if spec.domain != "miniarcade" or name not in _PLAYERS:
        raise SpecError(
            f"task '{spec.id}': there is no scripted player. There is one for every MiniArcade "
            f"game: {', '.join(_PLAYERS)}."
        )
    policy = _PLAYERS[name](spec.env)

    def act(obs: FloatArray) -> FloatArray:
        action = np.array(policy(obs.tolist()), dtype=np.float32)
        return np.clip(action, -1.0, 1.0)

    return act


def _cartpole(env: dict[str, Any]) -> _Policy:
    """Pump energy while the pole hangs; near upright, apply a linear regulator's gains.

    The gains solve the linearised game's Riccati equation for costs (1, 0.1, 4, 0.1; 2).
    """
    inertia = cartpole_game.HALF_LENGTH * (
        4.0 / 3.0 - cartpole_game.POLE_MASS / cartpole_game.TOTAL_MASS
    )

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, speed, angle, spin = obs
        if abs(angle) < 0.5:
            return [0.6 * x + 0.76 * speed + 5.26 * angle + 1.46 * spin]
        # 0 where the pole has just enough energy to reach upright.
        energy = 0.5 * inertia * spin * spin / cartpole_game.GRAVITY + cos(angle) - 1.0
        return [3.0 * energy * spin * cos(angle) - 0.15 * x - 0.1 * speed]

    return act


def _pong(env: dict[str, Any]) -> _Policy:
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


def _reacher(env: dict[str, Any]) -> _Policy:
    """Turn both joints to the angles that put the fingertip on the target."""
    link = reacher_game.LINK

    def act(obs: Sequence[float]) -> Sequence[float]:
        shoulder, elbow, dx, dy, shoulder_spin, elbow_spin = obs
        x = link * (cos(shoulder) + cos(shoulder + elbow)) + dx
        y = link * (sin(shoulder) + sin(shoulder + elbow)) + dy
        bend = acos(min(max((x * x + y * y) / (2 * link * link) - 1.0, -1.0), 1.0))
        bend = bend if elbow >= 0 else -bend
        # With equal links the shoulder's direction is half the bend off the target's.
        turn = remainder(atan2(y, x) - bend / 2 - shoulder, 2 * pi)
        return [3.0 * turn - 0.3 * shoulder_spin, 4.0 * (bend - elbow) - 0.1 * elbow_spin]

    return act


def _point_maze(env: dict[str, Any]) -> _Policy:
    """Walk from cell to cell along a shortest path, leaning against the wind."""
    cells = maze_game.CELLS

    def act(obs: Sequence[float]) -> Sequence[float]:
        walls = [entry == 1.0 for entry in obs[6:31]]
        here = round(obs[42] * (cells - 1)) * cells + round(obs[43] * (cells - 1))
        column, row = (int(cells * (place * SIZE - INNER_LOW) / INNER_SIDE) for place in obs[2:4])
        step = _first_step(walls, here, row * cells + column)
        if step is None:
            aim = obs[2] * SIZE, obs[3] * SIZE
        else:
            middle = INNER_SIDE / cells / 2
            aim = (
                INNER_LOW + middle * (2 * (step % cells) + 1),
                INNER_LOW + middle * (2 * (step // cells) + 1),
            )
        return [(aim[i] - obs[i] * SIZE) / maze_game.SPEED - obs[40 + i] for i in (0, 1)]

    return act


def _first_step(walls: list[bool], here: int, goal: int) -> int | None:
    """Return the next cell on a shortest path; None where there is no step to make."""
    side = maze_game.CELLS
    towards: dict[int, int | None] = {goal: None}
    queue = deque([goal])
    while queue:
        cell = queue.popleft()
        row, column = divmod(cell, side)
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            beside = r * side + c
            if 0 <= r < side and 0 <= c < side and not walls[beside] and beside not in towards:
                towards[beside] = cell
                queue.append(beside)
    return towards.get(here)


def _landing(env: dict[str, Any]) -> _Policy:
    """Fly above the ship's middle, keep up with it and sink, the slower the closer."""

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, y, ship = obs[0] * SIZE, obs[1] * SIZE, obs[4] * SIZE
        vx, vy = obs[2] * landing_game.MAX_SPEED, obs[3] * landing_game.MAX_SPEED
        off = ship - (x + landing_game.WIDTH / 2)
        wanted_vx = obs[6] * landing_game.MAX_SHIP_SPEED + 0.15 * off
        height = landing_game.LANDED_Y - y
        # Wait higher up until the deck is below.
        wanted_vy = 0.08 * (height - (0 if abs(off) < 8 else 25)) + 0.05
        lift = (wanted_vy / landing_game.AIR - vy - landing_game.GRAVITY) / landing_game.THRUST
        return [(wanted_vx / landing_game.AIR - vx) / landing_game.THRUST, lift]

    return act


def _spaceship(env: dict[str, Any]) -> _Policy:
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


def _coinrun(env: dict[str, Any]) -> _Policy:
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


def _cowboy(env: dict[str, Any]) -> _Policy:
    """Jump as high as possible shortly before a cactus, and again if stuck in it."""
    # Five steps take a full jump above the tallest cactus.
    nearest = runner_game.X + runner_game.WIDTH + 5 * runner_game.SCROLL

    def act(obs: Sequence[float]) -> Sequence[float]:
        return [1.0 if obs[2] * SIZE <= nearest else 0.0]

    return act


def _coconut_dodge(env: dict[str, Any]) -> _Policy:
    """Hold the push, left, right or none, whose path stays furthest from the coconuts."""

    def act(obs: Sequence[float]) -> Sequence[float]:
        x = coconut_game.LOW + coconut_game.SIDE * obs[0]
        speed = coconut_game.MAX_SPEED * obs[1]
        falling = [
            (
                coconut_game.LOW + coconut_game.SIDE * obs[i],
                coconut_game.LOW + coconut_game.SIDE * obs[i + 1],
                coconut_game.MAX_SPEED * obs[i + 2],
                coconut_game.MAX_SPEED * obs[i + 3],
            )
            for i in range(5, 29, 4)
            if obs[i + 3] > 0  # there is one
        ]
        return [max((0.0, -1.0, 1.0), key=lambda push: _clearance(x, speed, push, falling))]

    return act


def _clearance(
    x: float, v: float, push: float, falling: list[tuple[float, float, float, float]]
) -> float:
    """Return how bad a walk with a held push is, 0 at best; the beach's middle is preferred."""
    cost, safe = 0.0, coconut_game.WALKER_RADIUS + coconut_game.COCONUT_RADIUS + 4
    for step in range(1, 31):
        # Half-way the push is given up, or there would be no stopping in time.
        v = (v + coconut_game.THRUST * push * (step <= 12)) * coconut_game.DRAG
        v = min(max(v, -coconut_game.MAX_SPEED), coconut_game.MAX_SPEED)
        x = min(max(x + v, coconut_game.X_MIN), coconut_game.X_MAX)
        for cx, cy, vx, vy in falling:
            y = cy + vy * step
            if y < coconut_game.HIGH - coconut_game.COCONUT_RADIUS:
                distance = hypot(cx + vx * step - x, y - coconut_game.WALKER_Y)
                cost += max(0.0, safe - distance) / step
    return -cost - 0.002 * abs(x - coconut_game.START_X)


def _air_hockey(env: dict[str, Any]) -> _Policy:
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


def _chase_evade(env: dict[str, Any]) -> _Policy:
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


def _bird_attack(env: dict[str, Any]) -> _Policy:
    """Fire all the time where a bird will be, and step aside from what falls."""
    attack = bird_game
    before: list[float] = []
    drift = attack.FLOCK_STEP

    def act(obs: Sequence[float]) -> Sequence[float]:
        nonlocal drift
        x = obs[0] * SIZE + attack.HALF_WIDTH
        birds = [place * SIZE for place in obs[3:19] if place > 0]
        if len(birds) == len(before) > 0:
            moved = birds[0] - before[0]
            # A flock that does not move sideways is turning.
            drift = copysign(attack.FLOCK_STEP, moved if abs(moved) > 0.5 else -drift)
        before[:] = birds
        drop = attack.MUZZLE_Y - obs[19] * SIZE - attack.BIRD_HEIGHT / 2
        ahead = _flock_shift(birds, drift, round(drop / attack.BULLET_SPEED))
        meetings = [bird + attack.BIRD_WIDTH / 2 + ahead for bird in birds]
        aim = min(meetings, key=lambda place: abs(place - x), default=SIZE / 2)
        dangers = [(obs[i] * SIZE, obs[i + 1] * SIZE, attack.HIT_X) for i in range(30, 50, 2)]
        dangers = [(bx, by, width) for bx, by, width in dangers if by > 110]
        if obs[54] > 0:  # the cannonball, to where it will come down
            steps = (attack.AGENT_MIDDLE_Y - obs[52] * SIZE) / (obs[54] * attack.BALL_SPEED)
            ball_x = obs[51] * SIZE + obs[53] * attack.BALL_SPEED * max(steps, 0.0)
            dangers.append((ball_x, obs[52] * SIZE, attack.BALL_HIT_X))

        def badness(place: float) -> float:
            near = sum(100.0 + by for bx, by, width in dangers if abs(place - bx) < width + 3)
            return near + abs(place - aim) + 0.3 * abs(place - x)

        low, high = INNER_LOW + attack.HALF_WIDTH, attack.X_MAX + attack.HALF_WIDTH
        places = [place for k in range(-9, 10) if low <= (place := x + 5.0 * k) <= high]
        best = min([*places, min(max(aim, low), high)], key=badness)
        move = min(max((best - x) / attack.SPEED, -1.0), 1.0)
        return [move, 1.0 if abs(x + move * attack.SPEED - aim) < 4 else 0.0]

    return act


def _flock_shift(birds: list[float], drift: float, steps: int) -> float:
    """Return how far sideways the flock will have moved."""
    shift = 0.0
    for _ in range(steps if birds else 0):
        right = max(birds) + bird_game.BIRD_WIDTH + shift + drift
        if right > INNER_HIGH or min(birds) + shift + drift < INNER_LOW:
            drift = -drift
        else:
            shift += drift
    return shift


def _highway(env: dict[str, Any]) -> _Policy:
    """Stay back, in the middle of the lane that is free for longest, reached without harm."""
    road = highway_game

    def act(obs: Sequence[float]) -> Sequence[float]:
        x, middle, lane = obs[0] * SIZE, obs[1] * SIZE, round(obs[11] * (road.LANES - 1))
        vx, vy = obs[2] * road.MAX_SPEED, obs[3] * road.MAX_SPEED
        free = [400.0] * road.LANES
        for i in range(12, 24, 3):
            if obs[i] > -1 or obs[i + 1] > 0:
                car_x, length = obs[i] * SIZE, road.LENGTHS[road.TRUCK if obs[i + 2] else 0]
                car_lane = int((obs[i + 1] * SIZE - road.ROAD_TOP) // road.LANE_HEIGHT)
                if car_x + length > x - 8:  # not past yet
                    gap = max(car_x - x - road.CAR_LENGTH, 0.0)
                    free[car_lane] = min(free[car_lane], gap)

        def worth(target: int) -> float:
            way = range(min(lane, target), max(lane, target) + 1)
            # Those on the way must be free for as long as it takes.
            passable = all(free[k] > 80 * abs(k - lane) + 20 for k in way if k != lane)
            return (free[target] if passable else -1.0) - 15 * abs(target - lane)

        target = max(range(road.LANES), key=worth)
        if free[lane] > 200:
            target = lane
        offset = road.LANE_CENTRES[target] - middle
        return [0.05 * (12 - x) - 0.3 * vx, 0.12 * offset - 0.55 * vy]

    return act


def _rocket_collect(env: dict[str, Any]) -> _Policy:
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


_PLAYERS: dict[str, Callable[[dict[str, Any]], _Policy]] = {
    "cartpole": _cartpole,
    "pong": _pong,
    "reacher": _reacher,
    "point-maze": _point_maze,
    "landing": _landing,
    "spaceship": _spaceship,
    "coinrun": _coinrun,
    "cowboy": _cowboy,
    "coconut-dodge": _coconut_dodge,
    "air-hockey": _air_hockey,
    "chase-evade": _chase_evade,
    "bird-attack": _bird_attack,
    "highway": _highway,
    "rocket-collect": _rocket_collect,
}
"""A game's name → a function of a task's ``env`` that returns a fresh policy."""
