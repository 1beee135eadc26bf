"""How a run stands, as far as its folder tells; checkpoints are not opened."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from newt_core.errors import NewtError
from newt_core.reporting.history import History, read_history
from newt_core.training.checkpoint_folder import BEST, LAST, step_files
from newt_core.training.config import RunConfig
from newt_core.training.metrics import read_metrics
from newt_core.training.resume import run_settings
from newt_core.training.run_folder import RunFolder


class State(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    """A process is at work in it."""
    FINISHED = "finished"
    """It has done all its steps, and saved."""
    STOPPED = "stopped"
    """It was ended before, by Ctrl-C for one, and saved all that it had done."""
    CRASHED = "crashed"
    """It ended without saving: its metrics go on beyond its newest checkpoint."""
    EMPTY = "empty"
    """It ended before it had anything to show: no checkpoint, no evaluation."""
    DAMAGED = "damaged"
    """Its settings or evaluations cannot be read."""


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run."""

    folder: RunFolder
    state: State
    problem: str | None
    """What cannot be read of a damaged one."""
    config: RunConfig | None
    part: str
    """``interaction`` or ``pretraining``: what it was at last."""
    done: int
    """Agent steps of the interaction, or updates of the pretraining."""
    total: int | None
    score: float | None
    """Of its newest evaluation."""
    best: float | None
    """The highest of those of its interaction, or without one of its pretraining."""
    seconds: float | None
    """That it was at work, its pretraining included."""
    changed: datetime
    """When a file of it was last written."""
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return what ``newt runs list --json`` prints of it."""
        config = self.config
        return {
            "name": self.folder.name,
            "path": str(self.folder.path),
            "state": str(self.state),
            "problem": self.problem,
            "tasks": config.tasks if config is not None else None,
            "part": self.part,
            "steps": self.done,
            "total": self.total,
            "score": self.score,
            "best": self.best,
            "seconds": self.seconds,
            "changed": self.changed.isoformat(timespec="seconds"),
            "bytes": self.bytes,
        }


@dataclass(frozen=True)
class _Progress:
    """How far a part of a run is."""

    saved: int | None
    """Where its newest step file is; None without one."""
    logged: int
    """Where its last whole row of metrics is, or its last evaluation."""
    aliases: bool
    """Whether it has a checkpoint under another name."""
    seconds: float

    @classmethod
    def of(cls, folder: RunFolder, evaluated: int) -> _Progress:
        rows = read_metrics(folder.metrics_file) if folder.metrics_file.exists() else []
        steps = [int(row["step"] or 0) for row in rows]
        times = [float(row.get("wall_time") or 0.0) for row in rows]
        files = step_files(folder.checkpoints)
        return cls(
            files[0][0] if files else None,
            max([evaluated, *steps]),
            any((folder.checkpoints / name).is_file() for name in (LAST, BEST)),
            max(times, default=0.0),
        )

    @property
    def begun(self) -> bool:
        return self.logged >= 0 or self.saved is not None or self.aliases

    @property
    def done(self) -> int:
        return max(self.logged, self.saved or 0)

    def ended(self, total: int) -> bool:
        """Return whether all was done and saved; of step files that are gone, it is assumed."""
        return self.logged >= total and (self.saved >= total if self.saved is not None else True)


def inspect_run(folder: RunFolder) -> RunInfo:
    """Look at a run. One that cannot be read is a :attr:`State.DAMAGED` one."""
    config, history, problem = None, History(folder.name, {}, {}), None
    try:
        config = run_settings(folder)
        history = read_history(folder)
    except NewtError as error:
        problem = str(error).splitlines()[0]
    own = _Progress.of(folder, max(history.interaction, default=-1))
    inside = folder.pretraining
    part = (
        _Progress.of(inside, max(history.pretraining, default=-1)) if inside.path.is_dir() else None
    )
    pretrained_alone = bool(history.pretraining) and part is None
    if pretrained_alone:  # by newt pretrain
        own = _Progress.of(folder, max(history.pretraining))
    pretrains = pretrained_alone or (part is not None and not own.begun)
    now = part if part is not None and not own.begun else own
    total = None
    if config is not None:
        total = config.pretrain.updates if pretrains else config.steps
    if is_at_work(folder) or is_at_work(inside):
        state = State.RUNNING
    elif problem is not None:
        state = State.DAMAGED
    else:
        state = _ended_how(now, total or 0, whole=pretrained_alone or not pretrains)
    evaluations = history.interaction or history.pretraining
    scores = [evaluation.get("score") for evaluation in evaluations.values()]
    known = [float(score) for score in scores if score is not None]
    seconds = own.seconds + (part.seconds if part is not None else 0.0)
    return RunInfo(
        folder,
        state,
        problem,
        config,
        "pretraining" if pretrains else "interaction",
        max(0, now.done),
        total,
        known[-1] if known else None,
        max(known, default=None),
        seconds or None,
        last_change(folder.path),
        disk_bytes(folder.path),
    )


def _ended_how(now: _Progress, total: int, *, whole: bool) -> State:
    """Return the state of a run that nobody is at work in.

    Args:
        now: how far it is.
        total: how far it was to go.
        whole: whether that is all it was to do.
    """
    if not now.begun:
        return State.EMPTY
    if now.saved is None and not now.aliases:
        return State.CRASHED if now.logged > 0 else State.EMPTY
    if now.ended(total) and whole:
        return State.FINISHED
    return State.CRASHED if now.saved is not None and now.logged > now.saved else State.STOPPED


def is_at_work(folder: RunFolder) -> bool:
    """Return whether a process holds a run's lock. Nothing is written."""
    try:
        handle = os.open(folder.path / ".lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)  # gives the lock back, too
    return False


def disk_bytes(path: Path) -> int:
    """Return the bytes that a file or a folder takes on the disk, each file counted once."""
    seen = {}
    for each in _files(path):
        try:
            about = each.lstat()
        except OSError:  # A run that is at work has renamed it.
            continue
        seen[about.st_dev, about.st_ino] = about.st_blocks * 512
    return sum(seen.values())


def last_change(path: Path) -> datetime:
    """Return when a file of a folder was last written."""
    newest = 0.0
    for each in _files(path):
        try:
            newest = max(newest, each.lstat().st_mtime)
        except OSError:
            continue
    return datetime.fromtimestamp(newest or path.stat().st_mtime, UTC).astimezone()


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        for folder, _, names in os.walk(path):
            yield from (Path(folder) / name for name in names)
    elif path.exists():
        yield path
