"""Videos of a checkpoint: finds it, loads it, films it task by task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from newt_core.errors import ConfigError, MissingDependencyError, RunFolderError
from newt_core.evaluation.video import Video, film, require_video
from newt_core.specs import load_specs
from newt_core.training.checkpoint_folder import BEST, LAST
from newt_core.training.run_folder import RUNS, RunFolder
from newt_core.workflows.loaded import load

LOOSE_VIDEOS = Path("videos")
"""Where videos of a checkpoint go that lies in no run."""

Progress = Callable[[str, int, int], None]
"""Called with the task, the frames done and the frames there will be."""


@dataclass(frozen=True)
class Filmed:
    """What was made, and what was not."""

    videos: list[Video]
    left_out: dict[str, str]
    """Task → why it could not be filmed."""


def film_checkpoint(
    checkpoint: str | None = None,
    tasks: str | None = None,
    path: Path | None = None,
    *,
    episodes: int = 1,
    policy_only: bool = False,
    seed: int = 0,
    fps: float | None = None,
    device: str = "auto",
    specs: Sequence[Path] = (),
    image_weights: Path | None = None,
    runs: Path = RUNS,
    on_progress: Progress = lambda task, done, total: None,
) -> Filmed:
    """Film an agent.

    Args:
        checkpoint: a checkpoint, or a run; by default the newest run. See :func:`find_checkpoint`.
        tasks: a selector; by default the tasks that it was trained on.
        path: the file of the one task's video; by default ``<task>.mp4`` in the run's folder
            ``videos``, one for each task.
        episodes: filmed of each task.
        policy_only: act without planning.
        seed: determines the episodes.
        fps: as in :func:`newt_core.evaluation.video.film`.
        device: as in the settings.
        specs: folders of a user's own task specs.
        image_weights: DINOv2's file, if not where it was in training.
        runs: the folder of all runs.
        on_progress: told of every frame.

    Raises:
        MissingDependencyError: none of the tasks can be drawn here.
        NewtError: whatever else the user can put right.
    """
    if path is not None:
        require_video(path)
    file, folder = find_checkpoint(checkpoint, runs)
    agent = load(
        file,
        tasks,
        specs=specs,
        device=device,
        policy_only=policy_only,
        seed=seed,
        image_weights=image_weights,
    )
    if path is not None and len(agent.tasks) > 1:
        raise ConfigError(
            f"{path} can show one task, but these are {len(agent.tasks)}: name one with --task, "
            f"or leave the file out, for a video of each in {folder}/."
        )
    library = load_specs(specs)
    done = Filmed([], {})
    for task in agent.tasks:

        def tell(frames: int, total: int, task: str = task) -> None:
            on_progress(task, frames, total)

        try:
            video = film(
                agent,
                library[task],
                path or folder / f"{task}.mp4",
                episodes=episodes,
                seed=seed,
                fps=fps,
                on_progress=tell,
            )
        except MissingDependencyError as error:
            done.left_out[task] = str(error)
        else:
            done.videos.append(video)
    if not done.videos:
        raise MissingDependencyError(next(iter(done.left_out.values())))
    return done


def find_checkpoint(name: str | None, runs: Path = RUNS) -> tuple[Path, Path]:
    """Return a checkpoint, and the folder for its videos.

    Args:
        name: a checkpoint's file; a run's name or folder, for its best checkpoint or else its
            last; None for the newest run.
        runs: the folder of all runs.

    Raises:
        RunFolderError: there is no such run, or it has no checkpoint yet.
    """
    file = Path(name) if name is not None else None
    if file is not None and (file.is_file() or file.suffix == ".pt"):
        run = RunFolder(file.absolute().parent.parent)
        inside = file.parent.name == run.checkpoints.name and run.config_file.is_file()
        return file, file.parent.parent / run.videos.name if inside else LOOSE_VIDEOS
    run = RunFolder.newest(root=runs) if name is None else RunFolder.open(name, root=runs)
    # A run that was stopped before it interacted has what pretraining has made.
    for part in (run, run.pretraining):
        for alias in (BEST, LAST):
            if (part.checkpoints / alias).is_file():
                return part.checkpoints / alias, run.videos
    raise RunFolderError(
        f"the run {run.path} has no checkpoint yet: it makes its first one while it learns."
    )
