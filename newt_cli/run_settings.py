"""What the commands that learn do alike: refuse what contradicts itself, and say how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import typer


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
