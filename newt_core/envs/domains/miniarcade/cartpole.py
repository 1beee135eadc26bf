"""Cartpole: a mine cart on a rail balances a pole, or swings it up first.

Lengths are metres, angles radians (0 upright, positive leaning to +x), time seconds. The state is
(x, speed, angle, angular speed). Neither the position nor the angle is ever limited or wrapped.
"""

from __future__ import annotations

from math import cos, pi, sin

from newt_core.envs.domains.miniarcade.base import Game

GRAVITY = 9.81
CART_MASS = 0.9
POLE_MASS = 0.11
TOTAL_MASS = CART_MASS + POLE_MASS
HALF_LENGTH = 0.6
"""Half the pole's length."""
POLE_MOMENT = POLE_MASS * HALF_LENGTH
FORCE = 11.0
"""Newtons at full action."""
TIME_STEP = 0.025
TRACK = 2.4
"""The reward is 0 further than this from the middle; nothing stops the cart there."""
UPRIGHT = 0.15
"""The sparse reward is for angles below this."""
SPREAD = 0.065
"""Every state variable starts within this of its mean."""

SHAKE = 5.0
"""Largest angular acceleration of a tremor, in rad/s²."""


class Cartpole(Game):
    """The cart and its pole.

    Args:
        swingup: begin with the pole hanging down.
        sparse: reward 1 near upright and 0 elsewhere, instead of growing with uprightness.
        tremor: shake the pole at random times.
    """

    painter = "cartpole"

    def __init__(self, swingup: bool = False, sparse: bool = False, tremor: bool = False) -> None:
        super().__init__()
        self.swingup = swingup
        self.sparse = sparse
        self.tremor = tremor
        self.x = self.speed = self.angle = self.spin = 0.0
        self.shake = 0.0
        """Angular acceleration of the present or the next tremor."""
        self.shaking = 0
        """Steps that the tremor still lasts."""
        self.calm = 0
        """Steps until the next tremor is drawn; stands still during one."""
        self.tremors: list[int] = []
        """Steps of this episode during which the pole was shaken: dust falls from them on."""

    def _begin(self) -> None:
        uniform = self._random.uniform
        self.x = uniform(-SPREAD, SPREAD)
        self.speed = uniform(-SPREAD, SPREAD)
        self.angle = uniform(-SPREAD, SPREAD) + (pi if self.swingup else 0.0)
        self.spin = uniform(-SPREAD, SPREAD)
        if self.tremor:
            self.shaking, self.calm = 0, self._random.randint(40, 80)
            self.tremors = []

    def _advance(self, action: list[float]) -> None:
        shake = self._tremble() if self.tremor else 0.0
        sine, cosine = sin(self.angle), cos(self.angle)
        push = (FORCE * action[0] + POLE_MOMENT * self.spin * self.spin * sine) / TOTAL_MASS
        inertia = HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * cosine * cosine / TOTAL_MASS)
        spin_up = (GRAVITY * sine - cosine * push) / inertia + shake
        speed_up = push - POLE_MOMENT * spin_up * cosine / TOTAL_MASS
        self.x += TIME_STEP * self.speed
        self.speed += TIME_STEP * speed_up
        self.angle += TIME_STEP * self.spin
        self.spin += TIME_STEP * spin_up

    def _tremble(self) -> float:
        """Return this step's shake; one that is drawn now acts from the next step on."""
        if self.shaking > 0:
            self.shaking -= 1
            self.tremors.append(self.t)
            return self.shake
        self.calm -= 1
        if self.calm <= 0:
            draw = self._random
            self.shaking = draw.randint(5, 10)
            self.shake = draw.choice((-SHAKE, SHAKE)) * draw.uniform(0.35, 1.0)
            self.calm = draw.randint(50, 90)
        return 0.0

    def _reward(self) -> float:
        if abs(self.x) > TRACK:
            return 0.0
        if self.sparse:
            return 1.0 if abs(self.angle) < UPRIGHT else 0.0
        return 1.0 - min(abs(self.angle), pi / 2) / (pi / 2)

    def _observe(self) -> tuple[float, ...]:
        return self.x, self.speed, self.angle, self.spin
