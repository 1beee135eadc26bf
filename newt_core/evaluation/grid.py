"""Several tasks in one video, beside each other, each at the pace of its own clock."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from newt_core.envs.contract import Frame
from newt_core.errors import ConfigError, MissingDependencyError
from newt_core.evaluation.caption import BLOCK, FULL_SIDE
from newt_core.evaluation.scene import FilmedAgent, Scene
from newt_core.evaluation.video import (
    DEFAULT_FPS,
    FASTEST,
    Video,
    choose_pace,
    require_video,
    steps_per_second,
    write_video,
)
from newt_core.specs.schema import TaskSpec
from newt_core.types import CountProgress

MOST_TASKS = 36
"""Side by side."""
WIDTH = 1152
"""Pixels of a row, about."""


def film_grid(
    player: FilmedAgent,
    specs: Sequence[TaskSpec],
    path: Path,
    *,
    episodes: int = 1,
    seed: int = 0,
    fps: float | None = None,
    bare: bool = False,
    on_progress: CountProgress | None = None,
) -> tuple[Video, dict[str, str]]:
    """Film several tasks at once. One that ends before others stands still from then on.

    Args:
        player: chooses the actions, in all of them.
        specs: the tasks, row by row.
        path: the file, which appears whole or not at all.
        episodes: of each task, one after the other.
        seed: determines them.
        fps: frames per second, one for each agent step of every task; None to play in real time.
        bare: leave out the texts below the pictures.
        on_progress: told of every frame.

    Returns:
        The video, and task → why it was left out.

    Raises:
        ConfigError: these are too many tasks, or the file's format is not that fast.
        MissingDependencyError: none of the tasks can be drawn here, or there is no ffmpeg.
        OSError: the file cannot be written.
    """
    require_video(path)
    if len(specs) > MOST_TASKS:
        raise ConfigError(
            f"{path}: a grid of {len(specs)} tasks is too large, at most {MOST_TASKS} can be seen."
        )
    columns = math.ceil(math.sqrt(len(specs)))
    side = min(FULL_SIDE, WIDTH // columns // BLOCK * BLOCK)
    left_out: dict[str, str] = {}
    with ExitStack() as stack:
        begun: dict[Scene, Frame] = {}
        for spec in specs:
            try:
                scene = stack.enter_context(
                    Scene(player, spec, episodes=episodes, seed=seed, side=side, bare=bare)
                )
                scene.begin()
                begun[scene] = scene.picture()
            except MissingDependencyError as error:
                left_out[spec.id] = str(error)
        if not begun:
            raise MissingDependencyError(next(iter(left_out.values())))
        rates, fps = _rates([scene.step_seconds for scene in begun], path, fps)
        seconds = max(scene.moves / rate for scene, rate in zip(begun, rates, strict=True))
        total = 1 + math.ceil(seconds * fps - 1e-6)
        frames = _frames(begun, rates, fps, total)
        return write_video(path, frames, fps, total, on_progress), left_out


def _rates(
    step_seconds: Sequence[float | None], path: Path, fps: float | None
) -> tuple[list[float], float]:
    """Return every task's agent steps per second of the video, and its frames per second."""
    if fps is not None:
        shown = choose_pace(None, path, fps).fps
        return [shown] * len(step_seconds), shown
    rates = [steps_per_second(seconds) for seconds in step_seconds]
    wanted = min(max(rates), FASTEST[path.suffix.lower()], 2 * DEFAULT_FPS)
    return rates, choose_pace(None, path, wanted).fps


def _frames(
    begun: Mapping[Scene, Frame], rates: Sequence[float], fps: float, total: int
) -> Iterator[Frame]:
    """Yield the tasks' pictures in rows, once per frame."""
    pictures = list(begun.values())
    made = [0] * len(pictures)
    for frame in range(total):
        for place, (scene, rate) in enumerate(zip(begun, rates, strict=True)):
            due = min(scene.moves, math.floor(frame * rate / fps + 1e-6))
            if frame == total - 1:
                due = scene.moves
            for _ in range(due - made[place]):
                scene.move()
            if due > made[place]:
                pictures[place] = scene.picture()
                made[place] = due
        yield in_rows(pictures)


def in_rows(pictures: Sequence[Frame]) -> Frame:
    """Arrange pictures of one size in rows, as nearly a square as they make; the rest is black."""
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    height, width, _ = pictures[0].shape
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        sheet[row * height :, column * width :][:height, :width] = picture
    return sheet
