"""Rocket collect: a rocket flies from coin to coin among drifting asteroids."""

from __future__ import annotations

from collections import deque
from math import hypot, sqrt

from newt_core.envs.domains.miniarcade.base import SIZE, Game, clip

RADIUS = 10
START = (112.0, 184.0)
LOW, HIGH = 15.0, 209.0
"""Bounds of the rocket's middle on both axes."""
THRUST = 0.75
DRAG = 0.98
"""Share of the speed that a step leaves."""
MAX_SPEED = 4.0

COIN_RADIUS = 9
COIN_X, COIN_Y = (30, 193), (40, 111)
"""Least and greatest coordinates of a coin."""
COLLECT_DISTANCE = RADIUS + COIN_RADIUS

ASTEROID_RADIUS = 14
MAX_ASTEROIDS = 3
MORE_EVERY = 150
"""Steps after which there is one more asteroid."""
ASTEROID_SPEED = (1.0, 2.2)
TARGET = (56.0, 168.0)
"""Asteroids come in toward a point within these bounds on both axes."""
BOUNCE_LOW, BOUNCE_HIGH = float(ASTEROID_RADIUS), float(SIZE - ASTEROID_RADIUS)
HIT_DISTANCE = RADIUS + ASTEROID_RADIUS
HIT_STEPS = 6
"""A hit is shown for so long, the last of which no observation sees."""

COIN_REWARD, HIT_PENALTY = 1.0, 0.2
NEARNESS_REWARD = 0.002
DIAGONAL = SIZE * sqrt(2.0)


class Asteroid:
    """An asteroid's middle and velocity."""

    __slots__ = ("entered", "serial", "vx", "vy", "x", "y")

    def __init__(self, x: float, y: float, vx: float, vy: float, serial: int = 0) -> None:
        self.x = x
        self.y = y
        self.vx = vx
        self.vy = vy
        self.entered = False
        """Whether it was wholly inside once; from then on it bounces off the borders."""
        self.serial = serial
        """Its number in the episode: each looks different."""

    def move(self) -> None:
        """Drift for a step."""
        self.x += self.vx
        self.y += self.vy
        low, high = BOUNCE_LOW, BOUNCE_HIGH
        if not self.entered:
            self.entered = low <= self.x <= high and low <= self.y <= high
        elif not (low <= self.x <= high and low <= self.y <= high):
            if not low <= self.x <= high:
                self.x, self.vx = clip(self.x, low, high), -self.vx
            if not low <= self.y <= high:
                self.y, self.vy = clip(self.y, low, high), -self.vy


class RocketCollect(Game):
    """The rocket, a coin and the asteroids."""

    painter = "rocket_collect"

    def __init__(self) -> None:
        super().__init__()
        self.x, self.y = START
        self.vx = self.vy = 0.0
        self.coin_x = self.coin_y = 0.0
        self.asteroids: list[Asteroid] = []
        self.hit_timer = 0
        self.collected = 0
        self.pickups: deque[tuple[int, float, float]] = deque(maxlen=4)
        """Step, x and y at which coins were collected."""
        self._serial = 0
        self._distance = 0.0
        self._hits = 0

    def _begin(self) -> None:
        self.x, self.y = START
        self.vx = self.vy = 0.0
        self.hit_timer = self.collected = self._serial = 0
        self.pickups.clear()
        self._new_coin()
        self.asteroids = [self._new_asteroid()]

    def _new_coin(self) -> None:
        self.coin_x = float(self._random.randint(*COIN_X))
        self.coin_y = float(self._random.randint(*COIN_Y))

    def _new_asteroid(self) -> Asteroid:
        """Return one beyond a border, on its way in."""
        draw = self._random
        across = float(draw.randint(20, 203))
        near, far = -2.0 * ASTEROID_RADIUS, SIZE + 2.0 * ASTEROID_RADIUS
        x, y = draw.choice(((across, near), (across, far), (near, across), (far, across)))
        speed = draw.uniform(*ASTEROID_SPEED)
        dx, dy = draw.uniform(*TARGET) - x, draw.uniform(*TARGET) - y
        distance = hypot(dx, dy)
        self._serial += 1
        return Asteroid(x, y, speed * dx / distance, speed * dy / distance, self._serial)

    def _advance(self, action: list[float]) -> None:
        vx, vy = (self.vx + THRUST * action[0]) * DRAG, (self.vy + THRUST * action[1]) * DRAG
        speed = hypot(vx, vy)
        if speed > MAX_SPEED:
            vx, vy = vx * MAX_SPEED / speed, vy * MAX_SPEED / speed
        self.vx, self.vy = vx, vy
        self.x, self.y = clip(self.x + vx, LOW, HIGH), clip(self.y + vy, LOW, HIGH)
        self._hits = 0
        for asteroid in self.asteroids:
            asteroid.move()
            distance = hypot(asteroid.x - self.x, asteroid.y - self.y)
            self._hits += distance < HIT_DISTANCE
        if self._hits:
            self.hit_timer = HIT_STEPS
        self._distance = hypot(self.coin_x - self.x, self.coin_y - self.y)

    def _reward(self) -> float:
        nearness = 1.0 - clip(self._distance / DIAGONAL, 0.0, 1.0)
        reward = NEARNESS_REWARD * nearness - HIT_PENALTY * self._hits
        return reward + COIN_REWARD if self._distance < COLLECT_DISTANCE else reward

    def _settle(self) -> None:
        if self._distance < COLLECT_DISTANCE:
            self.collected += 1
            self.pickups.append((self.t, self.coin_x, self.coin_y))
            self._new_coin()
        while len(self.asteroids) < min(1 + self.t // MORE_EVERY, MAX_ASTEROIDS):
            self.asteroids.append(self._new_asteroid())
        if self.hit_timer:
            self.hit_timer -= 1

    def _observe(self) -> list[float]:
        entries = [
            self.x / SIZE,
            self.y / SIZE,
            self.vx / MAX_SPEED,
            self.vy / MAX_SPEED,
            self.coin_x / SIZE,
            self.coin_y / SIZE,
            (self.coin_x - self.x) / SIZE,
            (self.coin_y - self.y) / SIZE,
            1.0 if self.hit_timer else 0.0,
        ]
        for one in self.asteroids:
            entries += (one.x / SIZE, one.y / SIZE, one.vx / MAX_SPEED, one.vy / MAX_SPEED)
        entries += [0.0] * (4 * (MAX_ASTEROIDS - len(self.asteroids)))
        return entries
