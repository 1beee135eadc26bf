"""The runner of the side-scrolling games: it stays at its place and jumps."""

from __future__ import annotations

X = 40
"""Left edge of the runner's box; the world moves past it."""
WIDTH, HEIGHT = 18, 30
GROUND = 184
"""The ground line."""
GROUND_Y = float(GROUND - HEIGHT)
"""Upper edge of a runner that stands on the ground."""
GRAVITY = 1.0
JUMP = 12.0
"""Upward speed of a full jump."""
MAX_SPEED = 10.0
"""Unit of the observed speed; a full jump is faster."""
ON_GROUND = 1e-3
SCROLL = 10.0
"""Pixels by which the world moves to the left in a step."""


class Runner:
    """The runner's height and vertical speed.

    A jump begins at the ground only, and may be lower than a full one.
    """

    __slots__ = ("speed", "y")

    def __init__(self) -> None:
        self.y = GROUND_Y
        """Upper edge."""
        self.speed = 0.0
        """Downward."""

    def move(self, action: float) -> bool:
        """Jump if the action is positive, fall, land; return whether a jump began."""
        jumps = action > 0 and self.y >= GROUND_Y - ON_GROUND
        if jumps:
            self.speed = -JUMP * action
        self.speed += GRAVITY
        self.y += self.speed
        if self.y > GROUND_Y:
            self.y, self.speed = GROUND_Y, 0.0
        return jumps
