"""The ground the walker walks on: heights at 200 equally spaced points, and things in the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

STEP = 14 / 30
"""Distance of two points along x."""
POINTS = 200
START_PAD = 20
"""Points at the start that are level ground, except on the hills."""
GROUND_LEVEL = 10 / 3
"""The height that the ground begins at and strives back to."""
NOISE = 1 / 15
"""Largest change of slope per point, where a terrain does not say otherwise."""
LOWEST, HIGHEST = 1.0, 5.5
"""Bounds of the heights."""

Polygon = tuple[tuple[float, float], ...]
"""Corners (x, y)."""


class Ground(NamedTuple):
    """One episode's ground. Units are those of the physics, some 30 px of Gymnasium's."""

    heights: list[float]
    """Height at x = 0, STEP, 2 STEP, ..."""
    blocks: list[Polygon]
    """Solid stumps and the posts beside pits."""


Terrain = Callable[[np.random.Generator], Ground]
"""Draws a ground."""


def flat(generator: np.random.Generator) -> Ground:
    """Level ground."""
    return Ground([GROUND_LEVEL] * POINTS, [])


def uneven(generator: np.random.Generator) -> Ground:
    """Gentle unevenness, a little more drawn to the middle height than Gymnasium's."""
    return _rough(generator, memory=0.8, pull=0.011, noise=NOISE)


def rugged(generator: np.random.Generator) -> Ground:
    """Unevenness with more than twice the noise."""
    return _rough(generator, memory=0.75, pull=0.015, noise=2.25 * NOISE)


def hills(generator: np.random.Generator) -> Ground:
    """A sine wave with a random height, amplitude and length; there is no level start."""
    offset = generator.uniform(-1.0, -0.8)
    amplitude = generator.uniform(0.4, 0.8)
    wavelength = generator.uniform(7.0, 14.0)
    heights = [
        GROUND_LEVEL + offset + amplitude * math.sin(2 * math.pi * i * STEP / wavelength)
        for i in range(POINTS)
    ]
    return Ground([min(max(y, LOWEST), HIGHEST) for y in heights], [])


def obstacles(generator: np.random.Generator) -> Ground:
    """Stretches of uneven grass between stumps to climb and pits to cross."""
    return _Obstacles(generator).ground


TERRAINS: dict[str, Terrain] = {
    "flat": flat,
    "uneven": uneven,
    "rugged": rugged,
    "hills": hills,
    "obstacles": obstacles,
}


class _RandomWalk:
    """Heights whose slope is a random walk that is pulled towards the ground level.

    Args:
        generator: draws the noise.
        memory: the part of the slope that is kept from point to point.
        pull: change of slope towards the ground level.
        noise: largest random change of slope.
        lowest: lower bound of the heights.
    """

    def __init__(
        self,
        generator: np.random.Generator,
        memory: float,
        pull: float,
        noise: float,
        lowest: float = LOWEST,
    ) -> None:
        self._generator = generator
        self._memory, self._pull, self._noise, self._lowest = memory, pull, noise, lowest
        self._slope = 0.0
        self.height = GROUND_LEVEL

    def advance(self, i: int) -> float:
        """Return the height at point ``i``; noise begins after the start pad."""
        off_level = GROUND_LEVEL - self.height
        self._slope *= self._memory
        if off_level != 0.0:
            self._slope += math.copysign(self._pull, off_level)
        if i > START_PAD:
            self._slope += self._noise * self._generator.uniform(-1.0, 1.0)
        self.height = min(max(self.height + self._slope, self._lowest), HIGHEST)
        return self.height


def _rough(generator: np.random.Generator, memory: float, pull: float, noise: float) -> Ground:
    walk = _RandomWalk(generator, memory, pull, noise)
    return Ground([walk.advance(i) for i in range(POINTS)], [])


class _Obstacles:
    """Lays pieces of ground one behind the other: grass, then a stump or a pit, then grass."""

    SIZES = (2, 3)
    """How many points wide a stump or a pit can be."""
    GRASS_POINTS = (5, 9)
    """Fewest and most points of a stretch of grass."""
    STUMP_SHAPE = 0.75
    """A stump's height in widths."""
    PIT_DEPTH = 3 * STEP
    LOWEST_GRASS = 1.5
    """Pits must not reach below the bottom of the world."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._grass = _RandomWalk(generator, 0.8, 0.01, NOISE, self.LOWEST_GRASS)
        self._heights = [self._grass.advance(i) for i in range(START_PAD)]
        self._blocks: list[Polygon] = []
        while len(self._heights) < POINTS:
            if generator.random() < 0.5:
                self._lay_stump()
            else:
                self._lay_pit()
            self._lay_grass()
        self.ground = Ground(self._heights[:POINTS], self._blocks)

    def _lay_stump(self) -> None:
        """A box on level ground."""
        points = self._draw(self.SIZES)
        width = points * STEP
        self._add_block(0.0, width, self._grass.height + self.STUMP_SHAPE * width)
        self._heights += [self._grass.height] * points

    def _lay_pit(self) -> None:
        """A hole between two posts, whose tops are level with the ground."""
        points = self._draw(self.SIZES)
        top = self._grass.height
        bottom = top - self.PIT_DEPTH
        for left in (0.0, points * STEP):
            self._add_block(left, left + STEP, bottom)
        self._heights += [top, *[bottom] * points, top]

    def _lay_grass(self) -> None:
        """Uneven ground; its first point is as high as the ground before."""
        points = self._draw(self.GRASS_POINTS)
        self._heights.append(self._grass.height)
        for _ in range(points - 1):
            self._heights.append(self._grass.advance(len(self._heights)))

    def _draw(self, bounds: tuple[int, int]) -> int:
        return int(self._generator.integers(bounds[0], bounds[1], endpoint=True))

    def _add_block(self, left: float, right: float, other_end: float) -> None:
        """Add a box from the ground's height to ``other_end``, in x relative to the next point."""
        x = len(self._heights) * STEP
        y = self._grass.height
        corners = (
            (x + left, y),
            (x + right, y),
            (x + right, other_end),
            (x + left, other_end),
        )
        self._blocks.append(corners)
