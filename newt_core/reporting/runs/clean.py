"""What of the runs is of no use any more, and its removal."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newt_core.errors import ConfigError, RunFolderError, did_you_mean
from newt_core.files import TEMPORARY_SUFFIX
from newt_core.reporting.runs.state import State, disk_bytes, inspect_run
from newt_core.training.checkpoint_folder import BEST, LAST, step_files
from newt_core.training.run_folder import RunFolder

KINDS = {
    "replay": "the replay of finished runs; one that is made longer goes on with an empty one",
    "checkpoints": f"the step files of finished runs; {LAST} and {BEST} stay",
    "empty": "runs that ended before they had a checkpoint or an evaluation",
    "leftovers": "unfinished files of writers that were killed",
}
"""What can be cleaned."""
RECENT = 600.0
"""Seconds for which what looks like a leftover may be at its beginning."""
DRAFTS = ".new-run.*"


@dataclass(frozen=True)
class Item:
    """Something to delete."""

    path: Path
    kind: str
    """One of :data:`KINDS`."""
    bytes: int
    """That its removal frees."""
    run: RunFolder | None
    """Whose it is."""

    def to_json(self) -> dict[str, Any]:
        """Return what ``newt runs clean --json`` prints of it."""
        return {"path": str(self.path), "kind": self.kind, "bytes": self.bytes}


def require_kinds(words: str) -> list[str]:
    """Return the kinds that a comma list names.

    Raises:
        ConfigError: one is none of :data:`KINDS`.
    """
    kinds = [word.strip() for word in words.split(",") if word.strip()]
    for kind in kinds:
        if kind not in KINDS:
            raise ConfigError(
                f"'{kind}' is nothing to clean.{did_you_mean(kind, KINDS)} "
                f"Choose of {', '.join(KINDS)}."
            )
    if not kinds:
        raise ConfigError(f"say what to clean: {', '.join(KINDS)}.")
    return kinds


def find_useless(
    runs: Sequence[RunFolder], kinds: Sequence[str], root: Path | None = None
) -> list[Item]:
    """Return what could be deleted. Nothing of a run that is at work is.

    Args:
        runs: those to look at.
        kinds: of :data:`KINDS`.
        root: a folder in which drafts of new runs are leftovers, too.
    """
    items: list[Item] = []
    for run in runs:
        items += [item for item in _of_run(run) if item.kind in kinds]
    if root is not None and "leftovers" in kinds:
        items += [_item(path, "leftovers", None) for path in root.glob(DRAFTS) if _is_old(path)]
    return items


def delete(items: Sequence[Item]) -> list[Item]:
    """Delete what was found, and return what is gone.

    Runs in which a process has gone to work since are left alone.

    Raises:
        RunFolderError: the disk refuses.
    """
    gone = []
    for item in items:
        with _alone(item.run) as free:
            if not free:
                continue
            try:
                if item.path.is_dir() and not item.path.is_symlink():
                    shutil.rmtree(item.path)
                else:
                    item.path.unlink(missing_ok=True)
            except OSError as error:
                raise RunFolderError(
                    f"cannot delete {error.filename or item.path}: {error.strerror or error}."
                ) from error
        gone.append(item)
    return gone


@contextmanager
def _alone(run: RunFolder | None) -> Iterator[bool]:
    """Keep other processes out of a run; say whether nobody was in it."""
    with ExitStack() as stack:
        free = True
        if run is not None:
            try:
                stack.enter_context(run.lock())
            except RunFolderError:
                free = False
        yield free


def _of_run(run: RunFolder) -> Iterator[Item]:
    state = inspect_run(run).state
    if state is State.RUNNING:
        return
    if state is State.EMPTY:
        if _is_old(run.path):
            yield _item(run.path, "empty", run)
        return
    parts = [part for part in (run, run.pretraining) if part.path.is_dir()]
    if state is State.FINISHED:
        for part in parts:
            if part.replay.is_dir():
                yield _item(part.replay, "replay", run)
            yield from _step_files(part, run)
    for path in sorted(run.path.rglob(f".*{TEMPORARY_SUFFIX}")):
        if _is_old(path):
            yield _item(path, "leftovers", run)


def _step_files(part: RunFolder, run: RunFolder) -> Iterator[Item]:
    """Yield the step files that are not last.pt or best.pt under another name."""
    kept = [part.checkpoints / name for name in (LAST, BEST)]
    if not kept[0].is_file():
        return
    names = {path.stat().st_ino for path in kept if path.is_file()}
    for _, path in reversed(step_files(part.checkpoints)):
        if path.stat().st_ino not in names:
            yield _item(path, "checkpoints", run)


def _item(path: Path, kind: str, run: RunFolder | None) -> Item:
    return Item(path, kind, disk_bytes(path), run)


def _is_old(path: Path) -> bool:
    with suppress(OSError):
        return time.time() - os.lstat(path).st_mtime > RECENT
    return False
