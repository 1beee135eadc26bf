"""Coconut dodge: a walker on a beach keeps clear of coconuts, which grow in number and speed."""

from __future__ import annotations

from collections import deque
from math import hypot

from newt_core.envs.domains.miniarcade.base import Game, clip

LOW, HIGH = 12.0, 212.0
"""Bounds of the beach on both axes; the lower one is the ground."""
SIDE = HIGH - LOW
WALKER_RADIUS = 9
WALKER_Y = 200.0
X_MIN, X_MAX = LOW + WALKER_RADIUS, HIGH - WALKER_RADIUS
START_X = 112.0
THRUST = 0.85
DRAG = 0.97
"""Share of the speed that a step leaves."""
MAX_SPEED = 5.0

SLOTS = 6
FULL_DIFFICULTY = 500
"""Steps after which coconuts are fastest."""
COCONUT_RADIUS = 7
"""Give or take one."""
CRACKED_STEPS = 10
HIT_STEPS = 6
"""A hit is shown for so long, the last of which no observation sees."""
FOOTPRINTS = 6
"""Places of the walker that a picture shows."""


class Coconut:
    """A falling coconut or, for some steps, what is left of it."""

    __slots__ = ("cracked", "radius", "serial", "vx", "vy", "x", "y")

    def __init__(self, radius: int, x: float, vx: float, vy: float, serial: int = 0) -> None:
        self.radius = radius
        self.x = x
        self.y = LOW + 1.0 + radius
        self.vx = vx
        self.vy = vy
        self.cracked = 0
        """Steps for which it still lies on the ground; 0 while it falls."""
        self.serial = serial
        """Its number in the episode: each looks different."""


class CoconutDodge(Game):
    """The walker and the coconuts."""

    painter = "coconut_dodge"

    def __init__(self) -> None:
        super().__init__()
        self.x, self.v = START_X, 0.0
        self.coconuts: list[Coconut] = []
        self.hit_timer = 0
        self.footprints: deque[float] = deque(maxlen=FOOTPRINTS)
        self.cracks: deque[tuple[int, float]] = deque(maxlen=SLOTS)
        """Step and x at which coconuts hit the ground, for their dust."""
        self._serial = 0
        self._hit = False

    def _begin(self) -> None:
        self.x, self.v = START_X, 0.0
        self.hit_timer = 0
        self.footprints.clear()
        self.cracks.clear()
        self._serial = 0
        self.coconuts = [self._new_coconut()]

    def _new_coconut(self) -> Coconut:
        uniform, difficulty = self._random.uniform, self.t / FULL_DIFFICULTY
        radius = COCONUT_RADIUS + self._random.randint(-1, 1)
        self._serial += 1
        return Coconut(
            radius,
            x=uniform(LOW + radius, HIGH - radius),
            vx=uniform(-0.5, 0.5) * (1.0 + 0.6 * difficulty),
            vy=uniform(1.4, 2.6) * (1.0 + 0.8 * difficulty),
            serial=self._serial,
        )

    def _advance(self, action: list[float]) -> None:
        self.v = clip((self.v + THRUST * action[0]) * DRAG, -MAX_SPEED, MAX_SPEED)
        self.footprints.append(self.x)
        self.x = clip(self.x + self.v, X_MIN, X_MAX)
        self._hit = False
        for slot, coconut in enumerate(self.coconuts):
            if coconut.cracked:
                coconut.cracked -= 1
                if not coconut.cracked:
                    coconut = self.coconuts[slot] = self._new_coconut()
            else:
                self._fall(coconut)
            if not coconut.cracked:
                distance = hypot(coconut.x - self.x, coconut.y - WALKER_Y)
                self._hit |= distance < WALKER_RADIUS + coconut.radius
        if self._hit:
            self.hit_timer = HIT_STEPS

    def _fall(self, coconut: Coconut) -> None:
        coconut.x += coconut.vx
        coconut.y += coconut.vy
        low, high = LOW + coconut.radius, HIGH - coconut.radius
        if not low <= coconut.x <= high:
            coconut.x = clip(coconut.x, low, high)
            coconut.vx = -coconut.vx
        if coconut.y >= high:
            coconut.y, coconut.cracked = high, CRACKED_STEPS
            self.cracks.append((self.t, coconut.x))

    def _reward(self) -> float:
        return -1.0 if self._hit else 0.0

    def _settle(self) -> None:
        while len(self.coconuts) < 1 + (SLOTS - 1) * self.t // FULL_DIFFICULTY:
            self.coconuts.append(self._new_coconut())
        if self.hit_timer:
            self.hit_timer -= 1

    def _observe(self) -> list[float]:
        agent = self.x
        coconuts = sorted(self.coconuts, key=lambda one: hypot(one.x - agent, one.y - WALKER_Y))
        entries = [(agent - LOW) / SIDE, self.v / MAX_SPEED, 0.0, -1.0, 0.0]
        for nearest in coconuts:
            if not nearest.cracked:
                entries[2:4] = (nearest.x - agent) / SIDE, (nearest.y - WALKER_Y) / SIDE
                break
        if self.hit_timer:
            entries[4] = 1.0
        for one in coconuts:
            entries += (
                (one.x - LOW) / SIDE,
                (one.y - LOW) / SIDE,
                one.vx / MAX_SPEED,
                one.vy / MAX_SPEED,
            )
        entries += [0.0] * (4 * (SLOTS - len(coconuts)))
        return entries
