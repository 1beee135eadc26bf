"""What the commands that make lists of runs do alike: find one again, and say how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from newt_cli import console
from newt_cli.failures import FAILED, INTERRUPTED
from newt_cli.run_settings import resume_command

if TYPE_CHECKING:
    from newt_core.training.run_list import Kind, RunList
    from newt_core.workflows.run_many import Ended


def find_list(kind: Kind, name: str | None, runs_dir: Path) -> RunList:
    """Return the list of a name, or the newest of its kind."""
    from newt_core.training.run_list import RunList

    if name is None:
        return RunList.newest(kind, root=runs_dir)
    return RunList.open(name, kind, root=runs_dir)


def is_list(name: str, runs_dir: Path) -> bool:
    """Return whether a list of runs has a name, or lies in a folder."""
    from newt_core.training.run_name import RUN_LIST

    return any((path / RUN_LIST).is_file() for path in (runs_dir / name, Path(name)))


def leave(ended: Ended, command: str, folder: Path, jobs: int) -> None:
    """Say how to go on with a list that was stopped, or of which runs failed, and exit so."""
    go_on = resume_command(command, folder) + (f" --jobs {jobs}" if jobs > 1 else "")
    if ended.interrupted:
        console.notice(f"Stopped and saved. Go on with: {go_on}")
        raise typer.Exit(INTERRUPTED)
    if ended.failed:
        console.notice(f"{len(ended.failed)} failed. Try again with: {go_on}")
        raise typer.Exit(FAILED)
