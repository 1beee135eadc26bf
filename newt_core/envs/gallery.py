"""Pictures of tasks: one frame of each, all of them on one sheet, and files of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from newt_core.envs.contract import Frame
from newt_core.envs.task_env import make
from newt_core.errors import ConfigError
from newt_core.files import atomic_path
from newt_core.specs.schema import TaskSpec

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

STEPS, EFFORT = 8, 0.25
"""Random agent steps before a picture is taken, and the largest action of these: by then things
have left their start, but no pole has fallen and no cart has left the view."""
MARGIN, LABEL_HEIGHT, FONT_SIZE = 6, 22, 13
"""Pixels between cells, for a cell's label, and the size of its letters."""
PAPER, INK = (255, 255, 255), (40, 40, 40)
PICTURES = (".png", ".jpg")
"""Endings of files that pictures can be written to."""


def picture(spec: TaskSpec, *, seed: int = 0, steps: int = STEPS) -> Frame:
    """Draw a task shortly after the start of an episode, or at it (0 steps): [224, 224, 3].

    Raises:
        NewtError: the task cannot be built or drawn here.
    """
    env = make(spec, render_mode="rgb_array")
    try:
        env.reset(seed=seed)
        generator = np.random.default_rng(seed)
        for _ in range(min(steps, spec.episode_length - 1)):
            env.step(generator.uniform(-EFFORT, EFFORT, spec.action_dim))
        frame = env.render()
    finally:
        env.close()
    return np.asarray(frame)


def contact_sheet(pictures: Mapping[str, Frame], *, size: int = 160) -> Frame:
    """Arrange pictures in rows, each over its label.

    Args:
        pictures: label → [height, width, 3]; at least one.
        size: rows and columns that each picture is scaled to.

    Returns:
        [height, width, 3], about half as high again as wide for many pictures.
    """
    from PIL import Image, ImageDraw

    columns = max(1, min(len(pictures), math.floor(math.sqrt(len(pictures) / 1.3))))
    rows = math.ceil(len(pictures) / columns)
    width, height = size + MARGIN, size + LABEL_HEIGHT + MARGIN
    sheet = Image.new("RGB", (columns * width + MARGIN, rows * height + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, (label, frame) in enumerate(pictures.items()):
        row, column = divmod(index, columns)
        x, y = MARGIN + column * width, MARGIN + row * height
        cell = Image.fromarray(frame).resize((size, size), Image.Resampling.LANCZOS)
        sheet.paste(cell, (x, y))
        font = _fitting_font(label, size)
        pen.text((x + size / 2, y + size + LABEL_HEIGHT / 2), label, INK, font, anchor="mm")
    return np.asarray(sheet)


def require_picture_name(path: Path) -> None:
    """Raise a :class:`ConfigError` for a file that no picture can be written to."""
    if path.suffix.lower() not in PICTURES:
        raise ConfigError(f"'{path}' must end in {' or '.join(PICTURES)}.")


def save_picture(path: Path, frame: Frame) -> None:
    """Write [height, width, 3] as the PNG or JPEG that the file's name promises.

    Raises:
        ConfigError: it promises neither.
        OSError: the file cannot be written.
    """
    import imageio.v3 as imageio

    require_picture_name(path)
    with atomic_path(path) as part:
        imageio.imwrite(part, frame, extension=path.suffix.lower())


def _fitting_font(label: str, width: int) -> FreeTypeFont | ImageFont:
    """Return the built-in font, as large as a label's cell allows."""
    from PIL import ImageFont

    font = ImageFont.load_default(FONT_SIZE)
    length = font.getlength(label)
    room = width - 4  # letters may reach a little beyond their measured length
    return font if length <= room else ImageFont.load_default(FONT_SIZE * room / length)
