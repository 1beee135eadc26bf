"""What the lander is to do: where it starts, where it must go, and what it is rewarded for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from newt_core.envs.domains.box2d.moon import PAD_HEIGHT, SIZE, UNIT, Moon

STANDING_HEIGHT = PAD_HEIGHT + 18 * UNIT
"""Height of a lander that stands on the pad, by the length of its legs."""

# Landing: Gymnasium's reward, bounded and scaled
CONTACT_BONUS = 10.0
MAIN_FUEL, SIDE_FUEL = 0.3, 0.03
"""Cost of a simulation step of each engine at full power."""
CRASHED, AT_REST = -100.0, 100.0
LEAST_LANDING, MOST_LANDING = -5.0, 10.0
LANDING_SCALE = 20.0

# Hovering
HOVER_REACH = 6.0
"""Distance from the target, in units, at which nothing is earned any more."""
HOVER_MAIN_FUEL, HOVER_SIDE_FUEL = 0.03, 0.003


class Flight(NamedTuple):
    """The lander after one simulation step."""

    state: tuple[float, ...]
    """[8] x and y from the pad, velocity x and y, angle, angular velocity, and the contacts of
    both feet, scaled as Gymnasium does."""
    x: float
    y: float
    main: float
    """Power of the main engine: 0, or 0.5 to 1."""
    side: float
    """Power of the side engine: 0, or 0.5 to 1."""
    crashed: bool
    """Whether the hull has touched the ground since the reset."""
    asleep: bool
    """Whether the physics engine has found the lander to be at rest."""


class Start(NamedTuple):
    """How an episode begins: a position, and a force on the hull in the first step."""

    x: float
    y: float
    force: tuple[float, float]


Target = tuple[float, float]
"""The x and y to hover at."""


class Goal(NamedTuple):
    """One way to use the lander."""

    start: Callable[[np.random.Generator, Moon], Start]
    target: Callable[[np.random.Generator, Moon], Target] | None
    """Draws a target, which the observation then tells of; None where the pad is the goal."""
    reward: Callable[[Flight, Flight, Target | None], float]
    """The reward of a simulation step, from the flight before and after it."""
    still_steps: int
    """Simulation steps without engines at the end of a reset."""


def _start_above(generator: np.random.Generator, moon: Moon) -> Start:
    """Near the top, in the middle."""
    x = SIZE / 2 * generator.uniform(0.95, 1.05)
    y = 0.8 * SIZE * generator.uniform(0.95, 1.05)
    push = 600.0
    return Start(x, y, (generator.uniform(-push, push), generator.uniform(-push, push)))


def _start_on_pad(generator: np.random.Generator, moon: Moon) -> Start:
    """On the middle half of the pad, pressed down."""
    quarter = (moon.pad_right - moon.pad_left) / 4
    x = generator.uniform(moon.pad_left + quarter, moon.pad_right - quarter)
    return Start(x, STANDING_HEIGHT, (generator.uniform(-300.0, 300.0), -1200.0))


def _target_above_pad(generator: np.random.Generator, moon: Moon) -> Target:
    x = (moon.pad_left + moon.pad_right) / 2 + generator.uniform(-1.0, 1.0)
    return x, 2 * PAD_HEIGHT + generator.uniform(-1.0, 1.0)


def _target_anywhere(generator: np.random.Generator, moon: Moon) -> Target:
    return generator.uniform(0.2 * SIZE, 0.8 * SIZE), generator.uniform(0.6 * SIZE, 0.8 * SIZE)


def landing_reward(before: Flight, after: Flight, target: Target | None) -> float:
    """Progress towards standing still and upright on the pad, in [-0.25, 0.5].

    A wreck that comes to rest is rewarded as a landing is; the benchmark has it so.
    """
    if after.asleep:
        reward = AT_REST
    elif after.crashed or abs(after.state[0]) >= 1.0:
        reward = CRASHED
    else:
        progress = _potential(after.state) - _potential(before.state)
        reward = progress - MAIN_FUEL * after.main - SIDE_FUEL * after.side
    return min(max(reward, LEAST_LANDING), MOST_LANDING) / LANDING_SCALE


def _potential(state: tuple[float, ...]) -> float:
    """What a state is worth: little distance, speed and tilt, and feet on the ground."""
    x, y, velocity_x, velocity_y, angle, _, left, right = state
    off = math.sqrt(x * x + y * y)
    speed = math.sqrt(velocity_x * velocity_x + velocity_y * velocity_y)
    return -100 * off - 100 * speed - 100 * abs(angle) + CONTACT_BONUS * (left + right)


def hovering_reward(before: Flight, after: Flight, target: Target | None) -> float:
    """Nearness to the target less some fuel, in [0, 1]; nothing below a stand on the pad."""
    if target is None or after.y < STANDING_HEIGHT:
        return 0.0
    distance = math.hypot(after.x - target[0], after.y - target[1])
    fuel = HOVER_MAIN_FUEL * after.main + HOVER_SIDE_FUEL * after.side
    return min(max(1.0 - distance / HOVER_REACH - fuel, 0.0), 1.0)


GOALS: dict[str, Goal] = {
    "land": Goal(_start_above, None, landing_reward, still_steps=1),
    "hover": Goal(_start_above, _target_above_pad, hovering_reward, still_steps=1),
    "takeoff": Goal(_start_on_pad, _target_anywhere, hovering_reward, still_steps=6),
}
