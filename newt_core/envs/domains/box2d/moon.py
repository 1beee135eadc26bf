"""The lander's world: a square view, a random surface and a level pad in its middle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

UNIT = 1 / 30
"""What Gymnasium calls a pixel: its shapes are given in them."""
SIZE = 400 * UNIT
"""Width and height of the view; Gymnasium's is half as wide again."""
PAD_HEIGHT = SIZE / 4
SURFACE_POINTS = (7, 9)
"""How many points the surface can have. They are equally spaced."""
SMOOTHING = 0.33
"""Weight of a point and of its two neighbours; not quite a third, so the pad lies a bit lower
than its nominal height."""


class Moon(NamedTuple):
    """One episode's surface."""

    points: list[tuple[float, float]]
    """Corners of the surface from left to right."""
    pad_left: float
    pad_right: float


def draw_moon(generator: np.random.Generator) -> Moon:
    """Draw a surface."""
    count = SURFACE_POINTS[generator.integers(len(SURFACE_POINTS))]
    middle = count // 2
    # One more than there are points: the first point's left neighbour.
    rough = generator.uniform(0.0, SIZE / 2, count + 1)
    rough[middle - 2 : middle + 3] = PAD_HEIGHT
    xs = [SIZE / (count - 1) * i for i in range(count)]
    ys = [SMOOTHING * float(rough[i - 1] + rough[i] + rough[i + 1]) for i in range(count)]
    return Moon(list(zip(xs, ys, strict=True)), xs[middle - 1], xs[middle + 1])
