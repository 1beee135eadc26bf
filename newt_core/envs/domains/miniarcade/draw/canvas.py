"""A canvas in the games' units, drawn three times as large and shrunk for smooth edges."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from math import hypot
from typing import Generic, TypeVar

import numpy as np
import pygame

from newt_core.envs.contract import Frame
from newt_core.envs.domains.miniarcade.base import SIZE, Game
from newt_core.envs.domains.miniarcade.draw.lettering import ADVANCE, GAP, GLYPHS
from newt_core.envs.domains.miniarcade.palette import Colour, mix

SCALE = 3
"""Drawn pixels per canvas pixel."""

Point = tuple[float, float]
GameType = TypeVar("GameType", bound=Game)


class Canvas:
    """Shapes in canvas pixels; coordinates are real numbers and may lie outside.

    A fill of None leaves a shape's inside alone; ``edge`` is the width of its outline, which lies
    inside the shape. ``alpha`` from 0 (nothing) to 255 (opaque).
    """

    def __init__(self, width: float = SIZE, height: float = SIZE, clear: bool = False) -> None:
        size = (round(width * SCALE), round(height * SCALE))
        flags = pygame.SRCALPHA if clear else 0
        self.surface = pygame.Surface(size, flags, 32)

    def copy(self) -> Canvas:
        """Return an equal canvas."""
        twin = Canvas.__new__(Canvas)
        twin.surface = self.surface.copy()
        return twin

    def resized(self, factor: float) -> Canvas:
        """Return a canvas with the same picture, ``factor`` times as large."""
        twin = Canvas.__new__(Canvas)
        twin.surface = pygame.transform.smoothscale_by(self.surface, factor)
        return twin

    def pixels(self, height: int, width: int) -> Frame:
        """Return the picture, [height, width, 3] uint8."""
        small = pygame.transform.smoothscale(self.surface, (width, height))
        flat = np.frombuffer(pygame.image.tobytes(small, "RGB"), dtype=np.uint8)
        return flat.reshape(height, width, 3).copy()

    def fill(self, colour: Colour) -> None:
        """Paint everything."""
        self.surface.fill(colour)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: Colour | None,
        edge: float = 0.0,
        edge_colour: Colour | None = None,
        radius: float = 0.0,
    ) -> None:
        """Draw a box with its upper left corner at (x, y); ``radius`` rounds its corners."""
        left, top = round(x * SCALE), round(y * SCALE)
        area = pygame.Rect(
            left, top, round((x + width) * SCALE) - left, round((y + height) * SCALE) - top
        )
        corner = round(radius * SCALE)
        if fill is not None:
            pygame.draw.rect(self.surface, fill, area, border_radius=corner)
        if edge_colour is not None:
            line = max(1, round(edge * SCALE))
            pygame.draw.rect(self.surface, edge_colour, area, line, border_radius=corner)

    def disc(
        self,
        x: float,
        y: float,
        radius: float,
        fill: Colour | None,
        edge: float = 0.0,
        edge_colour: Colour | None = None,
    ) -> None:
        """Draw a disc around (x, y)."""
        centre = (round(x * SCALE), round(y * SCALE))
        if fill is not None:
            pygame.draw.circle(self.surface, fill, centre, radius * SCALE)
        if edge_colour is not None:
            line = max(1, round(edge * SCALE))
            pygame.draw.circle(self.surface, edge_colour, centre, radius * SCALE, line)

    def ellipse(self, x: float, y: float, half_x: float, half_y: float, fill: Colour) -> None:
        """Draw an ellipse around (x, y)."""
        area = pygame.Rect(
            round((x - half_x) * SCALE),
            round((y - half_y) * SCALE),
            max(1, round(2 * half_x * SCALE)),
            max(1, round(2 * half_y * SCALE)),
        )
        pygame.draw.ellipse(self.surface, fill, area)

    def polygon(
        self,
        points: Sequence[Point],
        fill: Colour | None,
        edge: float = 0.0,
        edge_colour: Colour | None = None,
    ) -> None:
        """Draw a filled polygon."""
        if fill is not None:
            scaled = [(round(x * SCALE), round(y * SCALE)) for x, y in points]
            pygame.draw.polygon(self.surface, fill, scaled)
        if edge_colour is not None:
            self.stroke([*points, points[0]], edge, edge_colour)

    def stroke(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a line through the points, with round joints and ends."""
        half = width * SCALE / 2
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        for (x1, y1), (x2, y2) in pairwise(scaled):
            length = hypot(x2 - x1, y2 - y1)
            if length > 0:
                across_x, across_y = (y1 - y2) / length * half, (x2 - x1) / length * half
                corners = [
                    (x1 + across_x, y1 + across_y),
                    (x2 + across_x, y2 + across_y),
                    (x2 - across_x, y2 - across_y),
                    (x1 - across_x, y1 - across_y),
                ]
                pygame.draw.polygon(self.surface, colour, corners)
        if half > 1:
            for point in scaled:
                pygame.draw.circle(self.surface, colour, point, half)

    def gradient(
        self,
        top: float,
        bottom: float,
        first: Colour,
        last: Colour,
        left: float = 0.0,
        right: float = SIZE,
    ) -> None:
        """Fill the rows from ``top`` to ``bottom`` with colours from ``first`` to ``last``."""
        start, end = round(top * SCALE), round(bottom * SCALE)
        for row in range(start, end):
            share = (row - start) / max(1, end - start - 1)
            x, width = round(left * SCALE), round((right - left) * SCALE)
            self.surface.fill(mix(first, last, share), (x, row, width, 1))

    def veil(
        self,
        colour: Colour,
        alpha: float,
        area: tuple[float, float, float, float] = (0, 0, SIZE, SIZE),
    ) -> None:
        """Tint an area: left, top, width, height."""
        left, top, width, height = (round(value * SCALE) for value in area)
        film = pygame.Surface((width, height))
        film.fill(colour)
        film.set_alpha(round(alpha))
        self.surface.blit(film, (left, top))

    def paste(self, other: Canvas, x: float = 0.0, y: float = 0.0, alpha: float = 255) -> None:
        """Lay another canvas over this one with its corner at (x, y)."""
        other.surface.set_alpha(round(alpha))
        self.surface.blit(other.surface, (round(x * SCALE), round(y * SCALE)))

    def soft_disc(self, x: float, y: float, radius: float, fill: Colour, alpha: float) -> None:
        """Draw a translucent disc."""
        layer = Canvas(2 * radius, 2 * radius, clear=True)
        pygame.draw.circle(
            layer.surface,
            (*fill, round(alpha)),
            (round(radius * SCALE), round(radius * SCALE)),
            radius * SCALE,
        )
        self.paste(layer, x - radius, y - radius)

    def shift(self, x: int, y: int, border: Colour) -> None:
        """Move the whole picture; what enters at the border has one colour."""
        moved = self.surface.copy()
        self.surface.fill(border)
        self.surface.blit(moved, (x * SCALE, y * SCALE))

    def text(
        self,
        text: str,
        x: float,
        y: float,
        height: float,
        colour: Colour,
        anchor: float = 0.0,
        weight: float = 0.16,
    ) -> None:
        """Write bold capitals and figures with their upper edge at ``y``.

        Args:
            text: what to write; characters without a glyph leave a gap.
            x: where the text's left edge (``anchor`` 0), middle (0.5) or right edge (1) is.
            y: the upper edge.
            height: of a capital, in pixels.
            colour: of the strokes.
            anchor: share of the text's width that lies left of ``x``.
            weight: width of the strokes as a share of the height.
        """
        advance = ADVANCE * height
        left = x - anchor * (len(text) * advance - GAP * height)
        for place, sign in enumerate(text):
            for line in GLYPHS.get(sign, ()):
                points = [(left + place * advance + u * height, y + v * height) for u, v in line]
                self.stroke(points, weight * height, colour)


class Painter(ABC, Generic[GameType]):
    """Draws one game. It reads the game's state and changes nothing but its own surfaces."""

    def __init__(self) -> None:
        self._look: int | None = None

    def frame(self, game: GameType, height: int, width: int) -> Frame:
        """Return the picture of the game's state, [height, width, 3] uint8."""
        if game.look != self._look:
            self._scenery(random.Random(game.look))
            self._look = game.look
        # Flicker differs from step to step, but not between two pictures of one step.
        flicker = random.Random(game.look * 100_003 + game.t)
        return self._paint(game, flicker).pixels(height, width)

    @abstractmethod
    def _scenery(self, draw: random.Random) -> None:
        """Prepare what stays the same for an episode; random looks come from ``draw``."""

    @abstractmethod
    def _paint(self, game: GameType, flicker: random.Random) -> Canvas:
        """Draw the present state."""


def glow(radius: float, colour: Colour, alpha: float, power: float) -> Canvas:
    """Return a round glow on a clear canvas of side 2·radius.

    The alpha falls from the middle to the rim as ``alpha·(1 - r/radius)**power``.
    """
    layer = Canvas(2 * radius, 2 * radius, clear=True)
    middle = (round(radius * SCALE), round(radius * SCALE))
    rings = 20
    for ring in range(rings, 0, -1):
        share = ring / rings
        strength = alpha * (1.0 - share + 0.5 / rings) ** power
        pygame.draw.circle(
            layer.surface, (*colour, min(255, round(strength))), middle, radius * share * SCALE
        )
    return layer
