"""Which checkpoint a user means: a file, or a run for its best one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from newt_core.errors import RunFolderError
from newt_core.training.checkpoint_folder import BEST, LAST
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_name import FINETUNING, RUNS

LOOSE_VIDEOS = Path("videos")
"""Where videos of a checkpoint go that lies in no run."""


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


def specs_for(
    name: str | None, specs: Sequence[Path] | None = None, runs: Path = RUNS
) -> Sequence[Path]:
    """Return the folders of users' own task specs that a checkpoint's tasks are looked up in.

    Those are the ones that the user names, or else what the checkpoint's run has kept; none where
    there is no such checkpoint, which whoever opens it says.

    Args:
        name: As for :func:`find_checkpoint`.
        specs: The folders that the user names.
        runs: The folder of all runs.
    """
    if specs:
        return specs
    try:
        file, _ = find_checkpoint(name, runs)
    except RunFolderError:
        return ()
    run = RunFolder(file.absolute().parent.parent)
    places, above = [run], RunFolder(run.path.parent)
    # A pretraining is a part of its run, as the runs of a finetuning are of that.
    if above.config_file.is_file() or (above.path / FINETUNING).is_file():
        places.append(above)
    kept = [each.specs for each in places if each.specs.is_dir()]
    return kept[:1] if run.config_file.is_file() else ()
