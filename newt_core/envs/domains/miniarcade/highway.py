"""Highway: a car that drives along five lanes avoids the slower traffic.

The view moves with the agent's cruising speed, so that traffic comes from the right.
"""

from __future__ import annotations

from math import exp

from newt_core.envs.domains.miniarcade.base import SIZE, Game, clip, overlap

ROAD_TOP, ROAD_BOTTOM = 18.0, 206.0
LANES = 5
LANE_HEIGHT = (ROAD_BOTTOM - ROAD_TOP) / LANES
LANE_CENTRES = tuple(ROAD_TOP + LANE_HEIGHT * (lane + 0.5) for lane in range(LANES))
"""From the top."""

CAR_LENGTH, TRUCK_LENGTH, CAR_HEIGHT = 28, 56, 18
HALF_HEIGHT = CAR_HEIGHT // 2
BLUE, YELLOW, TRUCK = range(3)
"""Kinds of traffic, equally likely."""
LENGTHS = (CAR_LENGTH, CAR_LENGTH, TRUCK_LENGTH)
X_MAX = SIZE - CAR_LENGTH
Y_MIN, Y_MAX = ROAD_TOP, ROAD_BOTTOM - CAR_HEIGHT

THRUST = 0.65
DRAG = 0.95
"""Share of the agent's speed that a step leaves."""
MAX_SPEED = 10.0
"""Unit of the observed velocity; nothing enforces it."""
TRAFFIC_SPEED, FAST_SPEED = 6.0, 7.2
"""Fast are yellow cars with free way."""

SLOTS = 4
FILL_TRIES = 8
FIRST_X = 264.0
ENTRY_X = (SIZE + 20.0, SIZE + 60.0)
ENTRY_GAP = 18
"""Pixels that a new car keeps from others of its lane, beyond the longer one's length."""
RESPAWN = (4, 10)
"""Steps for which a slot stays empty: least and most."""
LAST_STEP = 499
"""At which the wanted number of cars has grown from 1 to 4."""

STUCK_STEPS = 5
"""A car that was hit drags the agent along for so long."""
FLASH = 3
"""Observations, and pictures, that show a collision."""
COLLISION_PENALTY = 1.0
LANE_REWARD, LANE_WIDTH = 0.01, LANE_HEIGHT / 2
"""For keeping to the middle of a lane."""
FREE_REWARD, FAR_REWARD, NEAR_PENALTY, NEAR = 0.01, 0.005, 0.02, 84.0
"""With nobody ahead, with somebody far ahead, and at most with somebody nearer than the last."""
EFFORT_PENALTY = 0.0005
CLEAR = 70.0
"""A lane without a car so far ahead is observed as clear."""


class Slot:
    """Place for one car, or the time until there is one."""

    __slots__ = ("active", "kind", "lane", "length", "respawn", "timer", "x", "y")

    def __init__(self, respawn: int) -> None:
        self.active = False
        self.respawn = respawn
        self.timer = 0
        """Steps for which it still drags the agent along."""
        self.kind, self.lane, self.length = BLUE, 0, CAR_LENGTH
        self.x = self.y = 0.0
        """Upper left corner."""

    def place(self, kind: int, lane: int, x: float) -> None:
        """Let a car drive here."""
        self.active, self.respawn, self.timer = True, 0, 0
        self.kind, self.lane, self.length = kind, lane, LENGTHS[kind]
        self.x, self.y = x, LANE_CENTRES[lane] - HALF_HEIGHT


class Highway(Game):
    """The agent's car and the traffic.

    The published game lets the observed flash of a collision fade whenever it draws a picture.
    A run that observes pictures therefore sees it fade over three steps, one that observes
    states alone sees it until the episode's end. The picture itself shows the flash for three
    steps either way.
    """

    painter = "highway"

    def __init__(self) -> None:
        super().__init__()
        self.x = self.y = self.vx = self.vy = 0.0
        """The agent's upper left corner and velocity."""
        self.slots = [Slot(0) for _ in range(SLOTS)]
        self.stuck: Slot | None = None
        """The car that drags the agent along."""
        self.flash = 0
        """As observed, from :data:`FLASH` down."""
        self.collided = -1000
        """Step of the last collision."""
        self._penalty = 0.0
        self._effort = 0.0

    def _begin(self) -> None:
        draw = self._random
        self.x = draw.uniform(20, 60)
        self.y = LANE_CENTRES[draw.randint(1, 3)] - HALF_HEIGHT
        self.vx, self.vy = draw.uniform(-0.2, 0.2), draw.uniform(-0.2, 0.2)
        self.slots = [Slot(draw.randint(0, 6)) for _ in range(SLOTS)]
        self.stuck, self.flash, self.collided = None, 0, -1000
        self._fill(self.slots[0], FIRST_X)

    def picture_observed(self) -> None:
        """Let the observed flash fade; see :class:`NoticesPictures` of the contract."""
        if self.flash > 0:
            self.flash -= 1

    def _fill(self, slot: Slot, given_x: float | None = None) -> bool:
        """Let a car of some kind come in where there is room; return whether there was."""
        draw = self._random
        kind = draw.randrange(len(LENGTHS))
        for _ in range(FILL_TRIES):
            lane = draw.randrange(LANES)
            x = draw.uniform(*ENTRY_X) if given_x is None else given_x
            if not any(
                other.active
                and other.lane == lane
                and abs(x - other.x) < max(LENGTHS[kind], other.length) + ENTRY_GAP
                for other in self.slots
            ):
                slot.place(kind, lane, x)
                return True
        return False

    def _advance(self, action: list[float]) -> None:
        self._effort = action[0] * action[0] + action[1] * action[1]
        self.vx += THRUST * action[0]
        self.vy += THRUST * action[1]
        self.x = clip(self.x + self.vx, 0.0, X_MAX)
        self.y = clip(self.y + self.vy, Y_MIN, Y_MAX)
        self.vx *= DRAG
        self.vy *= DRAG
        if self.stuck is not None:
            self._drag(self.stuck)
        self._penalty = 0.0
        wanted, active = 1 + 3 * self.t // LAST_STEP, 0
        for slot in self.slots:
            if slot.active:
                active += 1
                if slot is not self.stuck:
                    self._drive(slot)
                continue
            if slot.respawn > 0:
                slot.respawn -= 1
            # As published, only the slots before this one are counted: there may be more cars.
            if slot.respawn == 0 and active < wanted:
                if self._fill(slot):
                    active += 1
                else:
                    slot.respawn = 1

    def _drag(self, car: Slot) -> None:
        """Let a car that was hit push the agent back."""
        speed = self._speed(car)
        x, pushed = self.x - speed, car.x - speed - (CAR_LENGTH - 1)
        if x < 0 or pushed < 0:
            self._release(car)
            return
        car.x = self._held_back(car, car.x - speed)
        car.timer -= 1
        self.x = min(x, pushed)
        if car.x + car.length < 0 or car.timer <= 0:
            self._release(car)

    def _release(self, car: Slot) -> None:
        car.timer = 0
        self._leave(car)
        self.vx = self.vy = 0.0
        self.stuck = None

    def _leave(self, car: Slot) -> None:
        car.active, car.respawn = False, self._random.randint(*RESPAWN)

    def _drive(self, car: Slot) -> None:
        """Move a car, and see whether it runs into the agent or has left."""
        car.x = self._held_back(car, car.x - self._speed(car))
        if self.stuck is None and overlap(
            self.x, self.y, CAR_LENGTH, CAR_HEIGHT, car.x, car.y, car.length, CAR_HEIGHT
        ):
            self.stuck, car.timer = car, STUCK_STEPS
            self.flash, self.collided = FLASH, self.t
            self._penalty = COLLISION_PENALTY
        if car.timer == 0 and car.x + car.length < 0:
            self._leave(car)

    def _ahead(self, car: Slot) -> tuple[float, int] | None:
        """Return the right edge and the length of the car that ``car`` follows."""
        nearest = None
        for other in self.slots:
            if other.active and other.lane == car.lane and other.x < car.x:
                edge = other.x + other.length
                if edge <= car.x and (nearest is None or edge > nearest[0]):
                    nearest = edge, other.length
        return nearest

    def _speed(self, car: Slot) -> float:
        if car.kind != YELLOW:
            return TRAFFIC_SPEED
        ahead = self._ahead(car)
        if ahead is not None and car.x - ahead[0] <= max(car.length, ahead[1]):
            return TRAFFIC_SPEED
        return FAST_SPEED

    def _held_back(self, car: Slot, x: float) -> float:
        """Return where a car that would move to ``x`` comes: behind the one ahead."""
        ahead = self._ahead(car) if car.kind == YELLOW else None
        return x if ahead is None else max(x, ahead[0] + 1)

    def _lane(self) -> int:
        """Return the lane whose middle is nearest to the agent's."""
        return int(clip((self.y + HALF_HEIGHT - ROAD_TOP) // LANE_HEIGHT, 0, LANES - 1))

    def _gap(self, lane: int) -> float | None:
        """Return how far ahead the nearest car of a lane is; None where there is none."""
        front, nearest = self.x + CAR_LENGTH, None
        for slot in self.slots:
            if slot.active and slot.lane == lane:
                gap = slot.x - front
                if gap >= 0 and (nearest is None or gap < nearest):
                    nearest = gap
        return nearest

    def _reward(self) -> float:
        lane = self._lane()
        off = (self.y + HALF_HEIGHT - LANE_CENTRES[lane]) / LANE_WIDTH
        reward = LANE_REWARD * exp(-off * off) - EFFORT_PENALTY * self._effort - self._penalty
        gap = self._gap(lane)
        if gap is None:
            return reward + FREE_REWARD
        return reward + (FAR_REWARD if gap >= NEAR else -NEAR_PENALTY * (1.0 - gap / NEAR))

    def _observe(self) -> list[float]:
        lane = self._lane()
        gaps = [
            self._gap(beside) if 0 <= beside < LANES else None
            for beside in range(lane - 1, lane + 2)
        ]
        seen = [-1.0 if gap is None else clip(gap / SIZE, 0.0, 1.0) for gap in gaps]
        clear = [float(gap is None or gap > CLEAR) for gap in gaps]
        middle = self.y + HALF_HEIGHT
        entries = [
            self.x / SIZE,
            middle / SIZE,
            self.vx / MAX_SPEED,
            self.vy / MAX_SPEED,
            self.flash / FLASH,
            seen[1],
            clear[0] if lane > 0 else 0.0,
            clear[2] if lane < LANES - 1 else 0.0,
            seen[0],
            seen[2],
            clip((middle - LANE_CENTRES[lane]) / LANE_WIDTH, -1.0, 1.0),
            lane / (LANES - 1),
        ]
        for slot in self.slots:
            if slot.active:
                is_truck = 1.0 if slot.kind == TRUCK else 0.0
                entries += (slot.x / SIZE, (slot.y + HALF_HEIGHT) / SIZE, is_truck)
            else:
                entries += (-1.0, -1.0, -1.0)
        return entries
