"""Drawing in the units of the physics, with y upwards, by pygame's software renderer.

pygame is imported with the first picture: most environments never draw one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np

from newt_core.envs.contract import Frame

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255 each."""
Point = Sequence[float]
"""x, y."""


class Canvas:
    """A picture of a rectangle of the world.

    Args:
        height: in pixels.
        width: in pixels.
        top: the y of its upper edge; that of the lower edge is 0.
        left: the x of its left edge.
        across: units from its left edge to its right edge.
        background: fills it.
    """

    def __init__(
        self, height: int, width: int, top: float, left: float, across: float, background: Colour
    ) -> None:
        # pygame would greet on standard output.
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "hide")
        import pygame
        from pygame import gfxdraw

        self._draw, self._smooth = pygame.draw, gfxdraw
        self._surface = pygame.Surface((width, height))
        self._surface.fill(background)
        self._size = (width, height)
        self._left = left
        self._scale = (width / across, height / top)

    def polygon(self, points: Iterable[Point], fill: Colour, outline: Colour | None = None) -> None:
        """Fill a polygon and draw its smooth outline, unless it lies outside of the picture."""
        corners = [self._pixel(point) for point in points]
        if not self._is_visible(corners):
            return
        self._draw.polygon(self._surface, fill, corners)
        self._smooth.aapolygon(self._surface, corners, fill)
        if outline is not None:
            self._draw.polygon(self._surface, outline, corners, width=1)
            self._smooth.aapolygon(self._surface, corners, outline)

    def line(self, start: Point, end: Point, colour: Colour) -> None:
        """Draw a smooth line."""
        first, last = self._pixel(start), self._pixel(end)
        if self._is_visible((first, last)):
            self._draw.aaline(self._surface, colour, first, last)

    def disc(self, centre: Point, radius: float, colour: Colour, alpha: int = 255) -> None:
        """Fill a circle, which an ``alpha`` below 255 lets the background shine through."""
        x, y = self._pixel(centre)
        radii = [radius * scale for scale in self._scale]
        if self._is_visible([(x - radii[0], y - radii[1]), (x + radii[0], y + radii[1])]):
            shape = (round(x), round(y), round(radii[0]), round(radii[1]))
            self._smooth.filled_ellipse(self._surface, *shape, (*colour, alpha))

    def frame(self) -> Frame:
        """Return the picture, [height, width, 3]."""
        import pygame

        # pygame's rows begin at the top, but everything was drawn as if at the bottom.
        picture = pygame.surfarray.array3d(self._surface).transpose(1, 0, 2)[::-1]
        return np.ascontiguousarray(picture)

    def _pixel(self, point: Point) -> tuple[float, float]:
        """Return a point in pixels, from the left and from the bottom."""
        return (point[0] - self._left) * self._scale[0], point[1] * self._scale[1]

    def _is_visible(self, pixels: Sequence[tuple[float, float]]) -> bool:
        """Whether the bounding box of ``pixels`` meets the picture.

        What is far away must not be drawn: pygame's coordinates have 16 bits.
        """
        return all(
            min(pixel[axis] for pixel in pixels) <= self._size[axis]
            and max(pixel[axis] for pixel in pixels) >= 0
            for axis in (0, 1)
        )


def body_outline(body: object) -> list[list[Point]]:
    """Return the corners, in world coordinates, of every polygon a Box2D body is made of."""
    transform = body.transform  # type: ignore[attr-defined]
    fixtures = body.fixtures  # type: ignore[attr-defined]
    return [[transform * corner for corner in fixture.shape.vertices] for fixture in fixtures]


def shifted_colour(
    generator: np.random.Generator, base: Colour, shared: tuple[int, int], each: tuple[int, int]
) -> Colour:
    """Return ``base`` plus one offset for all its channels and one for each.

    Args:
        generator: draws the offsets.
        base: the colour to begin with.
        shared: bounds of the common offset; the upper one is excluded.
        each: bounds of a channel's own offset; the upper one is excluded.
    """
    common = int(generator.integers(*shared))
    own = generator.integers(*each, size=3)
    return clipped_colour((np.array(base) + common + own).tolist())


def clipped_colour(channels: Iterable[float]) -> Colour:
    """Return three channels, held within 0 to 255."""
    red, green, blue = (min(max(int(channel), 0), 255) for channel in channels)
    return red, green, blue
