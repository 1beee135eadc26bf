"""Reacher: a planar arm of two links keeps its fingertip in a target.

Lengths are metres with y up and the base at the origin, angles radians, time seconds. The joints
do not act on each other, and there is no gravity.
"""

from __future__ import annotations

from collections import deque
from math import cos, hypot, pi, radians, sin

from newt_core.envs.domains.miniarcade.base import Game, clip

LINK = 0.11
"""Length of either link."""
TIME_STEP = 0.02
MAX_SPIN = 30.0
ELBOW_LIMIT = radians(160.0)
TARGET_RADII = {"easy": 0.04, "hard": 0.025}
TARGET_DISTANCE = (0.05, 0.20)
"""Least and greatest distance of a target from the base."""

MOTORS, DAMPING, DRAG = (90.0, 180.0), (4.0, 38.0), (1.2, 0.05)
"""Of shoulder and elbow: acceleration at full action, and what slows a joint, linear and square."""

TRAIL = 10
"""Positions of the fingertip that a picture shows."""


class Reacher(Game):
    """The arm and its target.

    Args:
        target: "easy" (a large one) or "hard" (a small one).

    Raises:
        ValueError: another target is named.
    """

    painter = "reacher"

    def __init__(self, target: str = "easy") -> None:
        super().__init__()
        if target not in TARGET_RADII:
            raise ValueError(f"target is '{target}', not one of {', '.join(TARGET_RADII)}")
        self.target_radius = TARGET_RADII[target]
        self.shoulder = self.elbow = 0.0
        self.shoulder_spin = self.elbow_spin = 0.0
        self.target_x = self.target_y = 0.0
        self.tip_x = self.tip_y = 0.0
        self.trail: deque[tuple[float, float]] = deque(maxlen=TRAIL)

    def _begin(self) -> None:
        uniform = self._random.uniform
        self.shoulder = uniform(-pi, pi)
        self.elbow = uniform(-ELBOW_LIMIT, ELBOW_LIMIT)
        self.shoulder_spin = self.elbow_spin = 0.0
        direction, distance = uniform(0.0, 2 * pi), uniform(*TARGET_DISTANCE)
        self.target_x, self.target_y = distance * cos(direction), distance * sin(direction)
        self.trail.clear()
        self._locate_tip()

    def _advance(self, action: list[float]) -> None:
        self.shoulder_spin = _turn(0, self.shoulder_spin, action[0])
        self.elbow_spin = _turn(1, self.elbow_spin, action[1])
        self.shoulder += TIME_STEP * self.shoulder_spin
        self.elbow += TIME_STEP * self.elbow_spin
        if abs(self.elbow) > ELBOW_LIMIT:
            self.elbow = clip(self.elbow, -ELBOW_LIMIT, ELBOW_LIMIT)
            self.elbow_spin = 0.0
        self._locate_tip()

    def _locate_tip(self) -> None:
        both = self.shoulder + self.elbow
        self.tip_x = LINK * (cos(self.shoulder) + cos(both))
        self.tip_y = LINK * (sin(self.shoulder) + sin(both))
        self.trail.append((self.tip_x, self.tip_y))

    def _reward(self) -> float:
        distance = hypot(self.tip_x - self.target_x, self.tip_y - self.target_y)
        return 1.0 if distance <= self.target_radius else 0.0

    def _observe(self) -> tuple[float, ...]:
        return (
            self.shoulder,
            self.elbow,
            self.target_x - self.tip_x,
            self.target_y - self.tip_y,
            self.shoulder_spin,
            self.elbow_spin,
        )


def _turn(joint: int, spin: float, action: float) -> float:
    """Return a joint's angular speed a time step later."""
    slowing = DAMPING[joint] * spin + DRAG[joint] * abs(spin) * spin
    return clip(spin + TIME_STEP * (MOTORS[joint] * action - slowing), -MAX_SPIN, MAX_SPIN)
