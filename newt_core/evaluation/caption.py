"""A strip of text below a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from newt_core.envs.contract import Frame

FULL_SIDE = 448
"""Columns of a picture whose texts have their full size."""
LINE, MARGIN, LETTERS = 24, 8, 15
"""Pixels of a line, at its left and right end, and of its letters, at the full size."""
SMALLEST = 9
"""Pixels of letters that can still be read."""
BLOCK = 16
"""Strips are this high or a multiple: players want videos whose sides are."""
PAPER, INK = (24, 24, 27), (235, 235, 235)


class Captioner:
    """Puts lines of text below pictures, each with a text at its left and one at its right end.

    Args:
        lines: how many there will be.
        side: columns of the pictures; texts are smaller below small ones.
    """

    def __init__(self, lines: int = 1, side: int = FULL_SIDE) -> None:
        scale = min(1.0, side / FULL_SIDE)
        self._font = ImageFont.load_default(max(SMALLEST, LETTERS * scale))
        self._margin = max(2, round(MARGIN * scale))
        self._lines = lines
        self.height = BLOCK * max(1, round(lines * LINE * max(scale, 0.6) / BLOCK))
        """Rows of the strip."""

    def __call__(self, frame: Frame, lines: Sequence[tuple[str, str]]) -> Frame:
        """Return a picture with texts below it.

        Args:
            frame: [height, width, 3].
            lines: the texts at the left and at the right end of each line.

        Returns:
            [height + :attr:`height`, width, 3].
        """
        width = frame.shape[1]
        strip = Image.new("RGB", (width, self.height), PAPER)
        pen = ImageDraw.Draw(strip)
        for place, (left, right) in enumerate(lines):
            y = self.height * (place + 0.5) / self._lines
            pen.text((self._margin, y), left, INK, self._font, anchor="lm")
            pen.text((width - self._margin, y), right, INK, self._font, anchor="rm")
        return np.concatenate([frame, np.asarray(strip)])
