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
def say_how_to_go_on(folder: RunFolder, command: str) -> Iterator[None]:
    """Where environments keep failing in the block, say with which command the run goes on.

    Raises:
        EnvironmentFailure: What the block raised, with the command if anything was saved.
    """
    from newt_core.errors import EnvironmentFailure

    try:
        yield
    except EnvironmentFailure as error:
        places = (folder.checkpoints, folder.pretraining.checkpoints)
        if not any(any(place.glob("*.pt")) for place in places):
            raise
        raise EnvironmentFailure(f"{error}\nGo on with: {command}") from error
