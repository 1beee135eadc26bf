"""New folders under that of all runs: whole or absent, and no name twice."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from datetime import date
from itertools import count
from pathlib import Path

from newt_core.errors import RunFolderError
from newt_core.files import parent_made
from newt_core.training.run_name import check_name, taken


def make_folder(name: str | None, *, label: str, root: Path, fill: Callable[[Path], None]) -> Path:
    """Make a folder; it appears with everything inside or not at all.

    So what is killed in its first moments can be gone on with, or was never there.

    Args:
        name: The folder's name; None for the date and ``label``, numbered if taken.
        label: What it is about.
        root: The folder of all runs.
        fill: Writes what is to be inside into the folder that it gets.

    Returns:
        The folder's path.

    Raises:
        RunFolderError: The name is not usable or taken, or the disk refuses.
    """
    check_name(name, root)
    try:
        with parent_made(root / "run"):
            draft = root / f".new-run.{secrets.token_hex(4)}"
            draft.mkdir()
            try:
                fill(draft)
                return _take_name(draft, name, label, root)
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                raise
    except OSError as error:
        raise RunFolderError(f"cannot make a run folder in {root}: {error.strerror}.") from error


def _take_name(draft: Path, name: str | None, label: str, root: Path) -> Path:
    """Move ``draft`` to the folder's place and return that."""
    base = name or f"{date.today().isoformat()}_{label}"
    for number in count(1):
        path = root / (base if number == 1 else f"{base}-{number}")
        try:
            # Onto an empty folder this succeeds: that is nobody's run.
            draft.rename(path)
            return path
        except OSError:
            if not path.exists():
                raise
        if name is not None:
            raise taken(path)
    raise AssertionError("count() does not end")
