"""What the commands that learn do alike: refuse what contradicts itself, and say how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from newt_core.training.run_folder import RunFolder


def require_own_settings(preset: str | None, config: Path | None) -> None:
    """Refuse other settings for a run that goes on."""
    if preset is not None or config is not None:
        raise typer.BadParameter(
            "a run goes on with its own settings; leave --preset and --config out",
            param_hint="'--resume'",
        )


def resume_command(command: str, folder: Path, specs: Sequence[Path] = ()) -> str:
    """Return what to type to go on with a run that was stopped."""
    parts = ["newt", command, "--run", str(folder), "--resume"]
    for extra in specs:  # of a run that keeps no copy of them
        parts += ["--specs", str(extra)]
    return shlex.join(parts)


@contextmanager
def failing_cleanly(folder: RunFolder, command: str, *, new: bool) -> Iterator[None]:
    """Leave a run that fails in the block as one can go on from it, or not at all.

    Where environments keep failing, or a rank has failed, the message says with which command the
    run goes on. A new run that fails before anything came of it is removed: its name is free again.

    Args:
        folder: The run's.
        command: Goes on with it.
        new: Whether it was made just now.

    Raises:
        NewtError: What the block raised.
    """
    from newt_core.errors import EnvironmentFailure, NewtError, RankFailedError

    try:
        yield
    except (NewtError, OSError) as error:
        if new:
            folder.discard_if_unused()
        goes_on = any(folder.path.rglob("*.pt"))
        if isinstance(error, EnvironmentFailure | RankFailedError) and goes_on:
            with_advice = type(error)(f"{error}\nGo on with: {command}")
            with_advice.exit_code = error.exit_code
            raise with_advice from error
        raise
