"""A run's checkpoints: a file per saved step, the newest ones kept, ``last.pt``, ``best.pt``."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from newt_core.errors import CheckpointError, ConfigError
from newt_core.files import atomic_path, remove_unfinished, write_text
from newt_core.training.checkpoint import load_checkpoint, save_checkpoint

LAST = "last.pt"
"""Another name of the newest checkpoint."""
BEST = "best.pt"
"""Another name of the checkpoint with the highest evaluation score."""
_NEWEST = ".newest-checkpoint"
"""File beside the folder that names the newest step file, so that it is missed where it is gone."""

_STEP_FILE = re.compile(r"step_(\d+)\.pt")


@dataclass(frozen=True)
class IntactCheckpoint:
    """A checkpoint that could be read."""

    path: Path
    payload: dict[str, Any]
    skipped: tuple[str, ...]
    """Why each newer file was passed over, a line each."""


class CheckpointFolder:
    """The checkpoints of one run, of which one process at a time may write.

    Args:
        folder: made on the first save.
        keep: how many step files stay; ``last.pt`` and ``best.pt`` do not count.
        describe: what every checkpoint says besides its state: tasks, encoders, settings.
    """

    def __init__(
        self, folder: Path, keep: int, describe: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        if keep < 1:
            raise ConfigError(f"checkpoint.keep is {keep}: at least one has to stay.")
        self.folder = folder
        self.keep = keep
        self.describe = describe

    def save(self, step: int, payload: Mapping[str, Any], *, best: bool = False) -> Path:
        """Write the checkpoint of ``step``, name it ``last.pt``, and forget old ones.

        Files of later steps go too: they belong to a history that was given up when the run
        went on from an earlier checkpoint.

        Args:
            step: agent steps so far.
            payload: as :func:`save_checkpoint` takes it.
            best: whether it is ``best.pt`` from now on, too.

        Returns:
            The file.

        Raises:
            CheckpointError: it cannot be written; the earlier ones are unharmed.
        """
        path = self.folder / f"step_{step:09d}.pt"
        try:
            save_checkpoint(path, {**self.describe, **payload})
            _give_name(path, self.folder / LAST)
            if best:
                _give_name(path, self.folder / BEST)
            write_text(self.folder.parent / _NEWEST, f"{path.name}\n")
            self._prune(step)
        except OSError as error:
            raise CheckpointError(
                f"cannot write {error.filename or self.folder}: {error.strerror}. "
                "Earlier checkpoints are unharmed."
            ) from error
        return path

    def _prune(self, newest: int) -> None:
        past = [path for step, path in step_files(self.folder) if step <= newest]
        future = [path for step, path in step_files(self.folder) if step > newest]
        for path in [*future, *past[self.keep :]]:
            path.unlink(missing_ok=True)
        remove_unfinished(self.folder)


def _give_name(path: Path, name: Path) -> None:
    """Make ``name`` another name of the file at ``path``, or a copy, in one step."""
    with atomic_path(name) as temporary:
        try:
            os.link(path, temporary)
        except OSError:  # Some file systems and mounts have no hard links.
            shutil.copyfile(path, temporary)


def step_files(folder: Path) -> list[tuple[int, Path]]:
    """Return the step and path of every step file in ``folder``, the newest first."""
    names = ((_STEP_FILE.fullmatch(path.name), path) for path in folder.glob("step_*.pt"))
    return sorted(((int(name[1]), path) for name, path in names if name), reverse=True)


def newest_written(folder: Path) -> Path | None:
    """Return the checkpoint that was written last, whether it is there or not; None if unknown."""
    try:
        name = (folder.parent / _NEWEST).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # There was none, or an older Newt wrote it.
        return None
    return folder / name if _STEP_FILE.fullmatch(name) else None


def latest_intact(folder: Path) -> IntactCheckpoint:
    """Read the newest checkpoint in ``folder`` that can be read.

    ``last.pt`` and ``best.pt`` come after the step files, for folders that have only them.

    Raises:
        CheckpointError: there is none, or all are damaged; the message names the newest's fault.
    """
    aliases = [(None, folder / name) for name in (LAST, BEST) if (folder / name).exists()]
    skipped: list[str] = []
    newest = newest_written(folder)
    if newest is not None and not newest.exists():
        skipped.append(f"{newest} is missing")
    for step, path in [*step_files(folder), *aliases]:
        try:
            payload = load_checkpoint(path)
            _require_step(payload, step, path)
        except CheckpointError as error:
            skipped.append(str(error))
        else:
            return IntactCheckpoint(path, payload, tuple(skipped))
    if not skipped:
        raise CheckpointError(f"there is no checkpoint in {folder}.")
    raise CheckpointError(
        f"none of the checkpoints in {folder} can be read: {skipped[0].rstrip('.')}.\n"
        "Put them back, or start another run with --run NAME."
    )


def _require_step(payload: Mapping[str, Any], step: int | None, path: Path) -> None:
    """Refuse the content of another file under this one's name."""
    counters = payload.get("counters")
    counted = "updates" if payload.get("phase") == "pretraining" else "steps"
    held = counters.get(counted) if isinstance(counters, Mapping) else None
    if step is not None and isinstance(held, int) and held != step:
        raise CheckpointError(f"{path}: it is another file's content: its {counted} are {held:,}.")
