"""A strip of text below a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from newt_core.envs.contract import Frame

HEIGHT, MARGIN, LETTERS = 32, 8, 15
"""Pixels of the strip, at its left and right end, and of its letters."""
PAPER, INK = (24, 24, 27), (235, 235, 235)


class Captioner:
    """Puts texts below pictures."""

    def __init__(self) -> None:
        self._font = ImageFont.load_default(LETTERS)

    def __call__(self, frame: Frame, texts: Sequence[str]) -> Frame:
        """Return a picture with texts below it.

        Args:
            frame: [height, width, 3].
            texts: one at the left end, or two, one at each end.

        Returns:
            [height + :data:`HEIGHT`, width, 3].
        """
        width = frame.shape[1]
        strip = Image.new("RGB", (width, HEIGHT), PAPER)
        pen = ImageDraw.Draw(strip)
        places = ((MARGIN, "lm"), (width - MARGIN, "rm"))
        for text, (x, anchor) in zip(texts, places, strict=False):
            pen.text((x, HEIGHT / 2), text, INK, self._font, anchor=anchor)
        return np.concatenate([frame, np.asarray(strip)])
