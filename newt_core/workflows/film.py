"""Videos of a checkpoint: finds it, loads it, films it task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from newt_core import arguments
from newt_core.errors import ConfigError, MissingDependencyError
from newt_core.evaluation.grid import film_grid
from newt_core.evaluation.video import Video, film, require_video
from newt_core.specs import load_specs
from newt_core.training.run_name import RUNS
from newt_core.types import TaskProgress
from newt_core.workflows.find_checkpoint import find_checkpoint
from newt_core.workflows.loaded import load
from newt_core.workflows.requests import check_request

_MOST_FPS = 1_000.0
"""What the command line takes, too; the file's format allows less."""


def _rate(name: str, value: Any) -> float:
    return arguments.real_number(name, value, 1.0, _MOST_FPS)


GRID = "grid.mp4"
"""The video of several tasks, in the folder of a run's videos."""


@dataclass(frozen=True)
class Filmed:
    """What was made, and what was not."""

    videos: list[Video]
    left_out: dict[str, str]
    """Task → why it could not be filmed."""


@dataclass(frozen=True)
class FilmRequest:
    """What ``newt render --video`` is asked."""

    checkpoint: str | None = None
    """A checkpoint, or a run; by default the newest run. See
    :func:`newt_core.workflows.find_checkpoint.find_checkpoint`."""
    tasks: str | None = None
    """A selector; by default the tasks that it was trained on."""
    path: Path | None = None
    """The file of the one task's video; by default ``<task>.mp4`` in the run's folder ``videos``,
    one for each task."""
    episodes: int = 1
    """Of each task."""
    policy_only: bool = False
    """Act without planning."""
    seed: int = 0
    """Determines the episodes."""
    fps: float | None = None
    """As in :func:`newt_core.evaluation.video.film`."""
    grid: bool = False
    """Show all tasks side by side in one video, by default ``grid.mp4``."""
    bare: bool = False
    """Leave out the texts below the pictures."""
    device: str = "auto"
    """As in the settings."""
    specs: Sequence[Path] = ()
    """Folders of a user's own task specs."""
    image_weights: Path | None = None
    """DINOv2's file, if not where it was in training."""
    runs: Path = RUNS
    """The folder of all runs."""

    def __post_init__(self) -> None:
        """Raise a :class:`ConfigError` for what is of another type or out of range."""
        check_request(self)
        if self.checkpoint is not None:
            arguments.put(self, checkpoint=str(arguments.path("checkpoint", self.checkpoint)))
        arguments.put(
            self,
            path=arguments.optional(arguments.path, "path", self.path),
            specs=arguments.folders("specs", self.specs),
        )
        arguments.put(self, fps=arguments.optional(_rate, "fps", self.fps))


def film_checkpoint(
    request: FilmRequest, *, on_progress: TaskProgress = lambda task, done, total: None
) -> Filmed:
    """Film an agent.

    Args:
        request: What is asked.
        on_progress: Told of every frame.

    Raises:
        MissingDependencyError: None of the tasks can be drawn here.
        NewtError: Whatever else the user can put right.
    """
    arguments.instance("request", request, FilmRequest, "newt_core has")
    out = request.path
    if out is not None:
        require_video(out)
    file, folder = find_checkpoint(request.checkpoint, request.runs)
    agent = load(
        file,
        request.tasks,
        specs=request.specs,
        device=request.device,
        policy_only=request.policy_only,
        seed=request.seed,
        image_weights=request.image_weights,
    )
    library = load_specs(request.specs)
    if request.grid:
        specs = [library[task] for task in agent.tasks]
        video, left_out = film_grid(
            agent,
            specs,
            out or folder / GRID,
            episodes=request.episodes,
            seed=request.seed,
            fps=request.fps,
            bare=request.bare,
            on_progress=on_progress,
        )
        return Filmed([video], left_out)
    if out is not None and len(agent.tasks) > 1:
        raise ConfigError(
            f"{out} can show one task, but these are {len(agent.tasks)}: name one with --task, "
            f"add --grid to show all side by side, or leave the file out, for a video of each in "
            f"{folder}/."
        )
    done = Filmed([], {})
    for task in agent.tasks:
        try:
            video = film(
                agent,
                library[task],
                out or folder / f"{task}.mp4",
                episodes=request.episodes,
                seed=request.seed,
                fps=request.fps,
                bare=request.bare,
                on_progress=partial(on_progress, task),
            )
        except MissingDependencyError as error:
            done.left_out[task] = str(error)
        else:
            done.videos.append(video)
    if not done.videos:
        raise MissingDependencyError(next(iter(done.left_out.values())))
    return done
