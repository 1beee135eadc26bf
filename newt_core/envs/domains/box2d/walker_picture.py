"""Pictures of the walker: its surroundings in colours that differ from episode to episode."""

from __future__ import annotations

import math
from typing import Any

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
from newt_core.envs.domains.box2d.terrain import POINTS, STEP, Ground

VIEW = 224 / 15
"""Units that a picture is wide and high."""
VIEW_BEHIND = VIEW / 5
"""Units of it behind the hull."""

SKY = (215, 215, 252)
SKY_OFFSETS = (-7, 7)
CLOUD = (247, 247, 247)
CLOUD_OFFSETS = (-4, 4)
CLOUDS = 10
CLOUD_CORNERS = 5
CLOUD_HEIGHT = 0.75 * VIEW
CLOUD_HALF_WIDTH, CLOUD_HALF_HEIGHT = 15 * STEP, 5 * STEP
CLOUD_NOISE = 5 * STEP
CLOUD_PARALLAX = 0.5
"""Clouds move past this much slower than the ground."""

GROUND_COLOURS: tuple[Colour, ...] = (
    (102, 153, 76),
    (86, 125, 70),
    (120, 160, 85),
    (74, 110, 62),
    (140, 150, 80),
    (95, 140, 110),
    (150, 165, 110),
    (121, 96, 68),
    (145, 115, 80),
    (105, 80, 58),
    (165, 135, 95),
    (134, 104, 92),
    (175, 155, 120),
    (128, 128, 128),
    (105, 110, 115),
    (150, 148, 142),
    (90, 92, 88),
)
"""Greens, browns and greys, one of which an episode's ground begins with."""
GROUND_DRIFT = 15
"""How far, per channel, the ground's colour may move away from the first."""
GRASS_EDGE_DARKER = 20
"""How much less red the line along the ground has."""

BLOCK, BLOCK_OUTLINE = (255, 255, 255), (153, 153, 153)
HULL, HULL_OUTLINE = (127, 51, 229), (76, 76, 127)
FAR_LEG, FAR_LEG_OUTLINE = (178, 101, 152), (127, 76, 101)
NEAR_LEG, NEAR_LEG_OUTLINE = (128, 51, 102), (77, 26, 51)
RAY = (255, 0, 0)


class WalkerLooks:
    """An episode's colours and clouds.

    Args:
        generator: draws them.
        ground: the episode's ground.
    """

    def __init__(self, generator: np.random.Generator, ground: Ground) -> None:
        self.ground = ground
        sky_shift = _offsets(generator, SKY_OFFSETS)
        self.sky = clipped_colour(np.add(SKY, sky_shift).tolist())
        # Half of the sky's offset, rounded towards zero.
        cloud = np.add(CLOUD, np.trunc(sky_shift / 2).astype(int)).tolist()
        self.cloud = shifted_colour(generator, tuple(cloud), CLOUD_OFFSETS, CLOUD_OFFSETS)
        self.clouds = [_cloud(generator) for _ in range(CLOUDS)]
        base = GROUND_COLOURS[generator.integers(len(GROUND_COLOURS))]
        self.slices = [clipped_colour(colour) for colour in _drift(generator, base).tolist()]
        """The colour of each slice of ground between two points."""
        self.edges = [
            clipped_colour((r - GRASS_EDGE_DARKER, int(generator.integers(g, 255)), b))
            for r, g, b in self.slices
        ]
        """The colour of the line on top of each slice."""


def draw_walker(
    hull: Any,
    legs: list[Any],
    ray: tuple[Point, Point] | None,
    looks: WalkerLooks,
    height: int,
    width: int,
) -> Frame:
    """Draw the walker in its surroundings.

    Args:
        hull: its Box2D body.
        legs: the bodies of the far thigh and shin, then of the near ones.
        ray: the lidar ray to show, if any.
        looks: the episode's colours.
        height: the picture's, in pixels.
        width: the picture's, in pixels.
    """
    left = hull.position.x - VIEW_BEHIND
    canvas = Canvas(height, width, VIEW, left, VIEW, looks.sky)
    for cloud in looks.clouds:
        canvas.polygon(cloud + np.array([left * CLOUD_PARALLAX, 0.0]), looks.cloud)
    first = max(int(left / STEP), 0)
    visible = range(first, min(int((left + VIEW) / STEP) + 1, POINTS - 1))
    surface = [(i * STEP, y) for i, y in enumerate(looks.ground.heights)]
    for i in visible:
        near, far = surface[i], surface[i + 1]
        canvas.polygon((near, far, (far[0], 0.0), (near[0], 0.0)), looks.slices[i])
    if ray is not None:
        canvas.line(*ray, RAY)
    for i in visible:
        canvas.line(surface[i], surface[i + 1], looks.edges[i])
    for block in looks.ground.blocks:
        canvas.polygon(block, BLOCK, BLOCK_OUTLINE)
    for part, limb in enumerate(legs):
        is_far = part < len(legs) // 2
        fill, outline = (FAR_LEG, FAR_LEG_OUTLINE) if is_far else (NEAR_LEG, NEAR_LEG_OUTLINE)
        canvas.polygon(body_outline(limb)[0], fill, outline)
    canvas.polygon(body_outline(hull)[0], HULL, HULL_OUTLINE)
    return canvas.frame()


def _offsets(generator: np.random.Generator, bounds: tuple[int, int]) -> np.ndarray:
    """[3] an offset for each channel plus one for all; the upper bound is excluded."""
    offsets: np.ndarray = generator.integers(*bounds, size=3) + generator.integers(*bounds)
    return offsets


def _cloud(generator: np.random.Generator) -> np.ndarray:
    """[5, 2] the corners of an irregular pentagon somewhere above the ground."""
    x = generator.uniform(0.0, POINTS * STEP)
    turns = 2 * math.pi * np.arange(CLOUD_CORNERS) / CLOUD_CORNERS
    regular = np.stack(
        (x + CLOUD_HALF_WIDTH * np.sin(turns), CLOUD_HEIGHT + CLOUD_HALF_HEIGHT * np.cos(turns)),
        axis=1,
    )
    noise: np.ndarray = generator.uniform(0.0, CLOUD_NOISE, regular.shape)
    return regular + noise


def _drift(generator: np.random.Generator, base: Colour) -> np.ndarray:
    """[POINTS - 1, 3] colours that grow darker, by 0 or 1 per channel and slice."""
    moved = np.cumsum(generator.integers(-1, 1, size=(POINTS - 1, 3)), axis=0)
    colours: np.ndarray = np.maximum(moved, -GROUND_DRIFT) + np.array(base)
    return colours
