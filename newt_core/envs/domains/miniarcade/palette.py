"""Colours that several games share, as (red, green, blue)."""

from __future__ import annotations

Colour = tuple[int, int, int]

BLACK = (0, 0, 0)
WHITE = (255, 255, 255)
AGENT = (255, 140, 0)
"""The player, wherever an opponent or enemies are about."""
OPPONENT = (180, 180, 180)
GOLD = (255, 215, 0)
"""Coins."""
ALARM = (220, 60, 60)
"""Veil after a collision."""
SKIN = (222, 184, 135)
LEATHER = (139, 69, 19)
"""Brown clothes."""


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour that is ``share`` of the way from one to the other; share in [0, 1]."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
