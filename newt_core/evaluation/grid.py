"""Several scenes in one video, beside each other, each at the pace of its own clock.

They are played one after the other: simulators that draw in one process disturb each other's
pictures.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from newt_core.envs.contract import Frame
from newt_core.errors import ConfigError, MissingDependencyError
from newt_core.evaluation.caption import BLOCK, FULL_SIDE
from newt_core.evaluation.scene import FilmedAgent, Scene
from newt_core.evaluation.video import (
    Video,
    choose_pace,
    require_video,
    steps_per_second,
    write_video,
)
from newt_core.specs.schema import TaskSpec
from newt_core.types import CountProgress, TaskProgress

MOST_PANELS = 36
"""Side by side."""
WIDTH = 1152
"""Pixels of a row, about."""
QUALITY = 95
"""Of the JPEGs that pictures are kept as until all tasks have been played."""


@dataclass(frozen=True)
class Panel:
    """One of the scenes side by side."""

    player: FilmedAgent
    """Chooses the actions."""
    spec: TaskSpec
    label: str = ""
    """Stands beside the task's name, such as how the player acts."""

    @property
    def name(self) -> str:
        """What progress calls it."""
        return f"{self.spec.id}, {self.label}" if self.label else self.spec.id


def film_grid(
    panels: Sequence[Panel],
    path: Path,
    *,
    episodes: int = 1,
    seed: int = 0,
    fps: float | None = None,
    bare: bool = False,
    abreast: int = 1,
    on_progress: TaskProgress = lambda task, done, total: None,
) -> tuple[Video, dict[str, str]]:
    """Film several scenes side by side. One that ends before others stands still from then on.

    Args:
        panels: the scenes, row by row.
        path: the file, which appears whole or not at all.
        episodes: of each task, one after the other.
        seed: determines them.
        fps: frames per second, one for each agent step of every task; None to play in real time.
        bare: leave out the texts below the pictures.
        abreast: how many that follow each other belong in one row.
        on_progress: told of every frame of every scene.

    Returns:
        The video, and task → why it was left out.

    Raises:
        ConfigError: these are too many, or the file's format is not that fast.
        MissingDependencyError: none of the tasks can be drawn here, or there is no ffmpeg.
        OSError: the file cannot be written.
    """
    require_video(path)
    if len(panels) > MOST_PANELS:
        raise ConfigError(
            f"{path}: a grid of {len(panels)} is too large, at most {MOST_PANELS} can be seen."
        )
    shown = choose_pace(None, path, fps).fps
    side = min(FULL_SIDE, WIDTH // _columns(len(panels), abreast) // BLOCK * BLOCK)
    reels: list[list[bytes]] = []
    left_out: dict[str, str] = {}
    for panel in panels:
        try:
            with Scene(
                panel.player,
                panel.spec,
                episodes=episodes,
                seed=seed,
                side=side,
                bare=bare,
                label=panel.label,
            ) as scene:
                rate = shown if fps is not None else steps_per_second(scene.step_seconds)
                reels.append(_reel(scene, rate / shown, partial(on_progress, panel.name)))
        except MissingDependencyError as error:
            left_out[panel.spec.id] = str(error)
    if not reels:
        raise MissingDependencyError(next(iter(left_out.values())))
    total = max(len(reel) for reel in reels)
    return write_video(path, _frames(reels, total, abreast), shown, total), left_out


def _reel(scene: Scene, moves_per_frame: float, on_progress: CountProgress) -> list[bytes]:
    """Play a task; return its picture in every frame of the video, as JPEGs."""
    total = 1 + math.ceil(scene.moves / moves_per_frame - 1e-6)
    reel: list[bytes] = []
    made = 0
    scene.begin()
    for frame in range(total):
        due = min(scene.moves, math.floor(frame * moves_per_frame + 1e-6))
        if frame == total - 1:
            due = scene.moves
        for _ in range(due - made):
            scene.move()
        # A frame in which nothing moved is the very same one.
        reel.append(_packed(scene.picture()) if due > made or not reel else reel[-1])
        made = due
        on_progress(frame + 1, total)
    return reel


def _packed(picture: Frame) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def _frames(reels: Sequence[Sequence[bytes]], total: int, abreast: int) -> Iterator[Frame]:
    """Yield the scenes' pictures in rows, once per frame."""
    for frame in range(total):
        packed = [reel[min(frame, len(reel) - 1)] for reel in reels]
        yield in_rows([np.asarray(Image.open(io.BytesIO(one))) for one in packed], abreast)


def _columns(count: int, abreast: int) -> int:
    return math.ceil(math.sqrt(count) / abreast) * abreast


def in_rows(pictures: Sequence[Frame], abreast: int = 1) -> Frame:
    """Arrange pictures of one size in rows, as nearly a square as they make; the rest is black.

    Args:
        pictures: row by row.
        abreast: how many that follow each other belong in one row.
    """
    columns = _columns(len(pictures), abreast)
    rows = math.ceil(len(pictures) / columns)
    height, width, _ = pictures[0].shape
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        sheet[row * height :, column * width :][:height, :width] = picture
    return sheet
