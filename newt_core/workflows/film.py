"""Videos of a checkpoint: finds it, loads it, films it task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from newt_core import arguments
from newt_core.agents.base import Acting
from newt_core.errors import ConfigError, MissingDependencyError
from newt_core.evaluation.grid import Panel, film_grid
from newt_core.evaluation.video import Video, film, require_video
from newt_core.settings import limits
from newt_core.specs import load_specs
from newt_core.training.run_name import RUNS
from newt_core.types import TaskProgress
from newt_core.workflows.find_checkpoint import find_checkpoint, specs_for
from newt_core.workflows.load_agent import load_agent
from newt_core.workflows.loaded import load
from newt_core.workflows.loaded_agent import LoadedAgent
from newt_core.workflows.requests import check_request

_MOST_FPS = 1_000.0
"""What the command line takes, too; the file's format allows less."""


def _rate(name: str, value: Any) -> float:
    return arguments.real_number(name, value, 1.0, _MOST_FPS)


def _horizon(name: str, value: Any) -> int:
    return arguments.whole_number(name, value, 1, limits.HORIZON)


GRID, OPEN_LOOP = "grid.mp4", "open-loop.mp4"
"""The videos of several scenes, in the folder of a run's videos."""


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
    open_loop: int | None = None
    """Beside acting closed loop, plan so many actions at once and execute them without looking; in
    one video, by default ``open-loop.mp4``."""
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
        arguments.put(self, open_loop=arguments.optional(_horizon, "open_loop", self.open_loop))
        if self.policy_only and self.open_loop is not None:
            raise ConfigError("policy_only does not plan: leave open_loop out.")


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
    request = replace(request, specs=specs_for(str(file), request.specs))
    if request.open_loop is not None:
        panels = _closed_and_open(request, file, request.open_loop)
        return _film_panels(request, panels, out or folder / OPEN_LOOP, on_progress, abreast=2)
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
        panels = [Panel(agent, library[task]) for task in agent.tasks]
        return _film_panels(request, panels, out or folder / GRID, on_progress)
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


def _closed_and_open(request: FilmRequest, file: Path, steps: int) -> list[Panel]:
    """Return two scenes of each task: as it acts otherwise, and open loop."""
    library = load_specs(request.specs)
    ways = {"closed loop": Acting(), f"open loop, {steps}": Acting(open_loop=steps)}
    agent, specs = load_agent(
        file,
        library.select(request.tasks) if request.tasks is not None else None,
        library=library,
        device=request.device,
        image_weights=request.image_weights,
        how=Acting(open_loop=steps),
    )
    players = {
        label: LoadedAgent(
            agent,
            agent.player(len(specs), seed=request.seed, how=how),
            specs,
            seed=request.seed,
        )
        for label, how in ways.items()
    }
    return [Panel(player, spec, label) for spec in specs for label, player in players.items()]


def _film_panels(
    request: FilmRequest,
    panels: Sequence[Panel],
    path: Path,
    on_progress: TaskProgress,
    *,
    abreast: int = 1,
) -> Filmed:
    """Film scenes side by side, in one video."""
    video, left_out = film_grid(
        panels,
        path,
        episodes=request.episodes,
        seed=request.seed,
        fps=request.fps,
        bare=request.bare,
        abreast=abreast,
        on_progress=on_progress,
    )
    return Filmed([video], left_out)
