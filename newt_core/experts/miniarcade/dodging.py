"""Players of the games of dodging: cowboy, coconuts, birds, highway."""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, hypot

from newt_core.envs.domains.miniarcade import bird_attack as bird_game
from newt_core.envs.domains.miniarcade import coconut_dodge as coconut_game
from newt_core.envs.domains.miniarcade import highway as highway_game
from newt_core.envs.domains.miniarcade import runner as runner_game
from newt_core.envs.domains.miniarcade.base import INNER_HIGH, INNER_LOW, SIZE
from newt_core.experts.policy import Policy


def cowboy() -> Policy:
    """Jump as high as possible shortly before a cactus, and again if stuck in it."""
    # Five steps take a full jump above the tallest cactus.
    nearest = runner_game.X + runner_game.WIDTH + 5 * runner_game.SCROLL

    def act(obs: Sequence[float]) -> Sequence[float]:
        return [1.0 if obs[2] * SIZE <= nearest else 0.0]

    return act


def coconut_dodge() -> Policy:
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


def bird_attack() -> Policy:
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


def highway() -> Policy:
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
