"""Landing: a helicopter settles on the deck of a ship that sails to and fro."""

from __future__ import annotations

from newt_core.envs.domains.miniarcade.base import SIZE, Game, clip, overlap

WIDTH, HEIGHT = 28, 18
"""Of the helicopter's box."""
X_MAX, Y_MAX = SIZE - WIDTH, SIZE - HEIGHT
THRUST = 0.6
GRAVITY = 0.2
AIR = 0.96
"""Share of the speed that a step leaves."""
MAX_SPEED = 10.0
"""Unit of the observed velocity; nothing enforces it."""

WATER_Y = 179
DECK_WIDTH, DECK_HEIGHT = 70, 12
DECK_HALF = DECK_WIDTH // 2
DECK_Y = 189
"""The deck's middle."""
DECK_TOP = DECK_Y - DECK_HEIGHT // 2
DECK_BOTTOM = DECK_TOP + DECK_HEIGHT
LANDED_Y = DECK_TOP - HEIGHT
SHIP_START = 74.0
SHIP_SPEED, SHIP_SPEED_SPREAD, MAX_SHIP_SPEED = 1.4, 0.3, 5.0

CONTACT_MARGIN = 4
"""A box that overlaps the deck by less, sideways, does not stand on it."""
CONTACT_ABOVE, CONTACT_BELOW = 3, 3
"""Pixels by which the box's bottom may miss the deck's top."""
GRIP = 0.3
"""Share of the ship's speed that the deck gives in a step."""
LOCK_SPEED = 0.2
"""Slower than this against the deck, the helicopter is held until it leaves."""


class Landing(Game):
    """The helicopter and the ship."""

    painter = "landing"

    def __init__(self) -> None:
        super().__init__()
        self.x = self.y = self.vx = self.vy = 0.0
        """The helicopter's upper left corner and velocity."""
        self.ship_x = SHIP_START
        self.heading, self.ship_speed = 1, SHIP_SPEED
        self.contact = self.locked = False
        self._touched_down = False
        self._impact = 0.0
        self._corner = (0, 0)
        """The helicopter's box on whole pixels, as the rules saw it in this step."""

    def _begin(self) -> None:
        uniform = self._random.uniform
        self.x, self.y = uniform(12, 36), uniform(12, 36)
        self.vx, self.vy = uniform(-0.3, 0.3), uniform(-0.3, 0.3)
        self.ship_x = SHIP_START
        self.heading = self._random.choice((-1, 1))
        self.ship_speed = SHIP_SPEED + uniform(-SHIP_SPEED_SPREAD, SHIP_SPEED_SPREAD)
        self.contact = self.locked = False

    def _advance(self, action: list[float]) -> None:
        self.vx += THRUST * action[0]
        self.vy += THRUST * action[1] + GRAVITY
        self.x += self.vx
        self.y += self.vy
        self.vx *= AIR
        self.vy *= AIR
        self.x, self.y = clip(self.x, 0.0, X_MAX), clip(self.y, 0.0, Y_MAX)
        self._sail()
        self._impact = self.vy
        self._push_out()
        self._touch()

    def _sail(self) -> None:
        self.ship_x += self.heading * self.ship_speed
        if self.ship_x - DECK_HALF <= 0:
            self.ship_x, self.heading = float(DECK_HALF), 1
        elif self.ship_x + DECK_HALF >= SIZE:
            self.ship_x, self.heading = float(SIZE - DECK_HALF), -1

    def _push_out(self) -> None:
        """Move the helicopter out of the deck, on the side where it is least deep inside."""
        left, top = self._corner = int(self.x), int(self.y)
        deck = int(self.ship_x - DECK_HALF)
        if not overlap(left, top, WIDTH, HEIGHT, deck, DECK_TOP, DECK_WIDTH, DECK_HEIGHT):
            return
        across = min(left + WIDTH - deck, deck + DECK_WIDTH - left)
        down = min(top + HEIGHT - DECK_TOP, DECK_BOTTOM - top)
        if down <= across:
            if top + HEIGHT // 2 < DECK_Y:
                self.y, self.vy = float(LANDED_Y), min(0.0, self.vy)
                self.vx *= 0.9
            else:
                self.y, self.vy = float(DECK_BOTTOM), max(0.0, self.vy)
        elif left + WIDTH // 2 < deck + DECK_HALF:
            self.x, self.vx = float(deck - WIDTH), min(0.0, self.vx)
        else:
            self.x, self.vx = float(deck + DECK_WIDTH), max(0.0, self.vx)
        self._corner = int(self.x), int(self.y)

    def _touch(self) -> None:
        """Let the deck take a helicopter that stands on it along."""
        left, top = self._corner
        deck, bottom = int(self.ship_x - DECK_HALF), top + HEIGHT
        before = self.contact
        self.contact = (
            left + WIDTH > deck + CONTACT_MARGIN
            and left < deck + DECK_WIDTH - CONTACT_MARGIN
            and DECK_TOP - CONTACT_ABOVE <= bottom <= DECK_TOP + CONTACT_BELOW
        )
        self._touched_down = self.contact and not before
        deck_speed = self.heading * self.ship_speed
        if self.contact:
            self.vx += GRIP * (deck_speed - self.vx)
            if abs(self.vy) < LOCK_SPEED and abs(self.vx - deck_speed) < LOCK_SPEED:
                self.locked = True
        else:
            self.locked = False
        if self.locked:
            self.vx, self.vy, self.y = deck_speed, min(0.0, self.vy), float(LANDED_Y)

    def _reward(self) -> float:
        left, top = self._corner
        x, y = left + WIDTH // 2, top + HEIGHT // 2
        deck_x = int(self.ship_x - DECK_HALF) + DECK_HALF
        centred = 1.0 - clip(abs(x - deck_x) / DECK_HALF, 0.0, 1.0)
        reward = 0.1 + 0.9 * centred if self.contact else 0.0
        if self.vy > 0:
            reward -= 0.001 * self.vy
        if self._touched_down:
            reward -= min(10.0, 2.0 * max(0.0, self._impact))
        if y > DECK_TOP:
            return reward - 0.5
        return reward + 0.025 * centred + 0.1 * (1.0 - clip(abs(y - DECK_Y) / SIZE, 0.0, 1.0))

    def _observe(self) -> tuple[float, ...]:
        return (
            self.x / SIZE,
            self.y / SIZE,
            self.vx / MAX_SPEED,
            self.vy / MAX_SPEED,
            self.ship_x / SIZE,
            DECK_Y / SIZE,
            self.heading * self.ship_speed / MAX_SHIP_SPEED,
        )
