"""Videos of an agent at work: one environment, drawn after every agent step."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from newt_core.envs.contract import Frame
from newt_core.errors import ConfigError, MissingDependencyError
from newt_core.evaluation.scene import FilmedAgent, Scene
from newt_core.files import atomic_path
from newt_core.specs.schema import TaskSpec
from newt_core.types import CountProgress

FASTEST = {".mp4": 60.0, ".gif": 50.0}
"""Ending of a video's file → the most frames per second that players show."""
DEFAULT_FPS = 30.0
"""Frames per second of tasks without a clock, such as games."""
SLOWEST = 10.0
"""Frames per second below which a video would be a row of pictures: it plays faster instead."""


@dataclass(frozen=True)
class Video:
    """A video that was made."""

    path: Path
    frames: int
    fps: float


@dataclass(frozen=True)
class Pace:
    """How agent steps become frames."""

    fps: float
    every: int = 1
    """Agent steps from one frame to the next."""


def film(
    player: FilmedAgent,
    spec: TaskSpec,
    path: Path,
    *,
    episodes: int = 1,
    seed: int = 0,
    fps: float | None = None,
    bare: bool = False,
    on_progress: CountProgress | None = None,
) -> Video:
    """Film whole episodes of a task, each from its start to its end.

    Args:
        player: chooses the actions.
        spec: the task.
        path: the file, which appears whole or not at all; see :func:`require_video`.
        episodes: how many, one after the other.
        seed: determines them.
        fps: frames per second, one for each agent step; None to play in real time.
        bare: leave out the texts below the pictures.
        on_progress: told of every frame.

    Raises:
        ConfigError: the file's ending is no video's, or its format is not that fast.
        MissingDependencyError: the task cannot be drawn here, or there is no ffmpeg.
        OSError: the file cannot be written.
    """
    require_video(path)
    with Scene(player, spec, episodes=episodes, seed=seed, bare=bare) as scene:
        pace = choose_pace(scene.step_seconds, path, fps)
        total = episodes * (1 + math.ceil(spec.episode_length / pace.every))
        return write_video(path, _frames(scene, pace.every), pace.fps, total, on_progress)


def write_video(
    path: Path,
    frames: Iterator[Frame],
    fps: float,
    total: int,
    on_progress: CountProgress | None = None,
) -> Video:
    """Write a video; the file appears whole or not at all.

    Args:
        path: see :func:`require_video`.
        frames: [height, width, 3] each, at least one, drawn as they are written.
        fps: frames per second.
        total: how many frames there will be.
        on_progress: told of every frame.

    Raises:
        MissingDependencyError: there is no ffmpeg.
        OSError: the file cannot be written.
    """
    count = 0

    def counted() -> Iterator[Frame]:
        nonlocal count
        for frame in frames:
            count += 1
            yield frame
            if on_progress is not None:
                on_progress(count, total)

    with atomic_path(path) as part:
        write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
        write(part, counted(), fps)
    return Video(path, count, fps)


def require_video(path: Path) -> None:
    """Raise a :class:`ConfigError` for a file whose ending is no video's."""
    if path.suffix.lower() not in FASTEST:
        raise ConfigError(f"'{path}' must end in {' or '.join(FASTEST)}.")


def choose_pace(step_seconds: float | None, path: Path, fps: float | None = None) -> Pace:
    """Return how to show agent steps of a length in a file.

    Without ``fps`` they play in real time; where that is faster than players are, every other
    one is shown, or every third, and so on, and where it is slower than :data:`SLOWEST`, that is
    the pace.

    Raises:
        ConfigError: ``fps`` is more than the file's format allows.
    """
    fastest = FASTEST[path.suffix.lower()]
    if fps is not None and fps > fastest:
        raise ConfigError(
            f"{path}: {fps:g} frames per second are too many, at most {fastest:g} for "
            f"{path.suffix.lower()}."
        )
    every = 1
    if fps is None:
        rate = steps_per_second(step_seconds)
        # The small term lets 60.0000001 pass for 60.
        every = math.ceil(rate / fastest - 1e-6)
        fps = rate / every
    if path.suffix.lower() == ".gif":
        fps = 100.0 / max(2, round(100.0 / fps))  # GIFs count in hundredths of a second
    return Pace(round(fps, 3), every)


def steps_per_second(step_seconds: float | None) -> float:
    """Return how many agent steps of a length are shown in a second, at best."""
    return DEFAULT_FPS if step_seconds is None else max(SLOWEST, 1.0 / step_seconds)


def _frames(scene: Scene, every: int) -> Iterator[Frame]:
    """Yield the start of each episode, every so manieth step, and the end."""
    scene.begin()
    yield scene.picture()
    for _ in range(scene.moves):
        scene.move()
        if scene.step % every == 0 or scene.at_end:
            yield scene.picture()


def _write_mp4(path: Path, frames: Iterator[Frame], fps: float) -> None:
    # Not by imageio.v3: it leaves ffmpeg running, and the file growing, where a frame fails.
    import imageio_ffmpeg

    first = next(frames)
    height, width = first.shape[:2]
    try:
        # The temporary file's name has no ending from which ffmpeg could tell the format.
        output = ["-f", "mp4", "-movflags", "+faststart"]
        writer = imageio_ffmpeg.write_frames(
            str(path), (width, height), fps=fps, quality=7, output_params=output
        )
        writer.send(None)
    except RuntimeError as error:
        raise MissingDependencyError(
            "there is no ffmpeg to write an MP4 with. Install the package imageio-ffmpeg, or "
            "name a file that ends in .gif."
        ) from error
    try:
        writer.send(np.ascontiguousarray(first))
        sent = 1
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
            sent += 1
    finally:
        writer.close()
    # Nobody is told of what goes wrong while ffmpeg writes the last of the file.
    try:
        written, _ = imageio_ffmpeg.count_frames_and_secs(path)
    except RuntimeError:
        written = 0
    if written < sent:
        raise OSError(errno.ENOSPC, "ffmpeg could not write the video's end. Is the disk full?")


def _write_gif(path: Path, frames: Iterator[Frame], fps: float) -> None:
    # Not by imageio.v3: it collects all frames in memory first.
    from PIL import Image

    pictures = (Image.fromarray(frame) for frame in frames)
    next(pictures).save(
        path,
        format="GIF",
        save_all=True,
        append_images=pictures,
        duration=round(1000.0 / fps),
        loop=0,
    )
