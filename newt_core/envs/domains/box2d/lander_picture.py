"""Pictures of the lander, in colours that differ from episode to episode."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from newt_core.envs.contract import Frame
from newt_core.envs.domains.box2d.canvas import (
    Canvas,
    Colour,
    Point,
    body_outline,
    clipped_colour,
    shifted_colour,
)
from newt_core.envs.domains.box2d.moon import PAD_HEIGHT, SIZE, UNIT, Moon
from newt_core.envs.frames import resize

DRAWN_SIZE = 400
"""Pixels across of the picture that is then resized."""

# Each colour: its middle, the bound of an offset shared by its channels, that of each channel's
SKY = ((20, 10, 15), 10, 5)
GROUND = ((230, 215, 220), 15, 10)
FLAG = ((204, 204, 0), 15, 5)
BODY = ((128, 102, 230), 10, 5)
BODY_OUTLINE = (77, 77, 128)

POLE_LENGTH = 50 * UNIT
PENNANT_LENGTH, PENNANT_HEIGHT = 25 * UNIT, 10 * UNIT
TARGET_RADIUS, TARGET_ALPHA = 1.0, 104

PUFF_RADIUS = 3 * UNIT
PUFF_AREA = math.pi * PUFF_RADIUS**2
MAIN_EXHAUST, SIDE_EXHAUST = 1 / (3.5 * PUFF_AREA), 1 / (0.7 * PUFF_AREA)
"""One over the mass of a puff of each engine."""
FADING = 0.15
"""Brightness that a puff loses with each agent step."""
LONGEST_PUFF = 6
"""Agent steps after which the brightest has faded."""


class Puff(NamedTuple):
    """A puff of exhaust as it is to be drawn."""

    centre: Point
    colour: Colour


class Exhaust(NamedTuple):
    """A puff when it left its engine. It flies freely and fades within six agent steps."""

    nozzle: tuple[float, float]
    velocity: tuple[float, float]
    power: float
    """Of the engine; the puff's brightness at first."""
    time: float
    """In seconds since the reset."""
    agent_step: int

    def puff(self, time: float, agent_step: int, gravity: float) -> Puff | None:
        """Return what there is of it at ``time``; None if it has faded."""
        brightness = self.power - FADING * (agent_step - self.agent_step)
        if brightness < 0:
            return None
        age = time - self.time
        x = self.nozzle[0] + self.velocity[0] * age
        y = self.nozzle[1] + self.velocity[1] * age + gravity * age**2 / 2
        levels = (0.15 + brightness, 0.5 * brightness, 0.5 * brightness)
        return Puff((x, y), clipped_colour(255 * max(0.2, level) for level in levels))


class LanderLooks:
    """An episode's colours, drawn by ``generator``."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.sky, self.ground, self.flag, self.body = (
            shifted_colour(generator, middle, (-shared, shared), (-each, each))
            for middle, shared, each in (SKY, GROUND, FLAG, BODY)
        )


def draw_lander(
    bodies: list[Any],
    moon: Moon,
    target: Point | None,
    smoke: list[Puff],
    looks: LanderLooks,
    height: int,
    width: int,
) -> Frame:
    """Draw the lander above the moon.

    Args:
        bodies: the Box2D bodies of the hull and the legs.
        moon: the surface.
        target: where to hover, shown as a disc; None where flags show the pad instead.
        smoke: exhaust; what lies below the surface is hidden.
        looks: the episode's colours.
        height: the picture's, in pixels.
        width: the picture's, in pixels.
    """
    canvas = Canvas(DRAWN_SIZE, DRAWN_SIZE, SIZE, 0.0, SIZE, looks.sky)
    for puff in smoke:
        canvas.disc(puff.centre, PUFF_RADIUS, puff.colour)
    for (left, left_y), (right, right_y) in zip(moon.points[:-1], moon.points[1:], strict=True):
        canvas.polygon(((left, left_y), (right, right_y), (right, 0.0), (left, 0.0)), looks.ground)
    for body in bodies:
        for outline in body_outline(body):
            canvas.polygon(outline, looks.body, BODY_OUTLINE)
    if target is None:
        for x in (moon.pad_left, moon.pad_right):
            _draw_flag(canvas, x, looks)
    else:
        canvas.disc(target, TARGET_RADIUS, looks.flag, TARGET_ALPHA)
    return resize(canvas.frame(), height, width)


def _draw_flag(canvas: Canvas, x: float, looks: LanderLooks) -> None:
    top = PAD_HEIGHT + POLE_LENGTH
    canvas.line((x, PAD_HEIGHT), (x, top), looks.ground)
    corners = (
        (x, top),
        (x, top - PENNANT_HEIGHT),
        (x + PENNANT_LENGTH, top - PENNANT_HEIGHT / 2),
    )
    canvas.polygon(corners, looks.flag)
