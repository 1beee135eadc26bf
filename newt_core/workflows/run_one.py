"""One run out of a list: begun or gone on with by what its folder holds alone."""

from __future__ import annotations

from collections.abc import Callable

from newt_core.specs import load_specs
from newt_core.training.progress import Progress
from newt_core.training.resume import run_settings
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.context import RunContext
from newt_core.workflows.train import train


def run_one(folder: RunFolder, progress: Progress, should_stop: Callable[[], bool]) -> bool:
    """Make a run, or go on with it, and return whether it was interrupted.

    Args:
        folder: The run's; it holds the settings, and the user's own task specs.
        progress: Who watches.
        should_stop: Asked often; True saves and ends the run.

    Raises:
        NewtError: Whatever the user can put right.
    """
    kept = [folder.specs] if folder.specs.is_dir() else []
    library = load_specs(kept)
    run = RunContext(run_settings(folder), folder, library, progress, should_stop)
    return train(run, resume=True).interrupted
