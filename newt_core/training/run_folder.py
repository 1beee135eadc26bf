"""Where a run keeps its files.

========================= ====================================================
``config.yaml``           the resolved settings
``checkpoints/``          see :mod:`newt_core.training.checkpoint_folder`
``replay/``               the replay buffer's memory-mapped arrays
``metrics.jsonl``         a JSON object per line
``tb/``                   TensorBoard events
``eval/<step>.json``      scores of each evaluation
``videos/``, ``report.html``
========================= ====================================================
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

from newt_core.errors import RunFolderError, did_you_mean, os_reason
from newt_core.files import AlreadyLockedError, take_lock, write_json, write_text

RUNS = Path("runs")
"""Folder of all runs, under the one that Newt is started in."""

_CONFIG = "config.yaml"
_SPECS = "specs"
_LONGEST_LABEL = 40
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class RunFolder:
    """One run's folder. It is a run because it holds a ``config.yaml``."""

    path: Path

    @classmethod
    def require_new(cls, name: str | None, root: Path = RUNS) -> None:
        """Return if a run of this name can be made.

        Raises:
            RunFolderError: the name is not usable or taken, or ``root`` is a file.
        """
        if name is not None and not _NAME.fullmatch(name):
            raise RunFolderError(
                f"'{name}' cannot name a run: use letters, digits, '.', '_' and '-'. "
                f"The folder is made in {root}/."
            )
        if root.exists() and not root.is_dir():
            raise RunFolderError(f"{root} is a file: --runs-dir names the folder of all runs.")
        # An empty folder is nobody's run.
        place = root / (name or "")
        if name is not None and place.exists() and (place.is_file() or any(place.iterdir())):
            raise _taken(place)

    @classmethod
    def create(
        cls,
        name: str | None,
        config: str,
        *,
        label: str = "run",
        root: Path = RUNS,
        specs: Mapping[str, str] = MappingProxyType({}),
    ) -> RunFolder:
        """Make the folder of a new run.

        Args:
            name: the folder's name; None for the date and ``label``, numbered if taken.
            config: text of its ``config.yaml``.
            label: what the run is about, see :func:`run_label`.
            root: the folder of all runs.
            specs: names and texts of the user's own files of task specs, to be kept.

        Raises:
            RunFolderError: the name is not usable or taken, or the disk refuses.
        """
        cls.require_new(name, root)
        try:
            root.mkdir(parents=True, exist_ok=True)
            # A folder appears with its settings inside or not at all, so that a run killed in
            # its first moments can be resumed.
            draft = root / f".new-run.{secrets.token_hex(4)}"
            draft.mkdir()
            try:
                write_text(draft / _CONFIG, config)
                for file, text in specs.items():
                    write_text(draft / _SPECS / file, text)
                return cls(_take_name(draft, name, label, root))
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                raise
        except OSError as error:
            raise RunFolderError(
                f"cannot make a run folder in {root}: {os_reason(error)}."
            ) from error

    @classmethod
    def open(
        cls, name: str, *, root: Path = RUNS, advice: str = "'newt train' starts one."
    ) -> RunFolder:
        """Return an existing run, by its name or its folder's path.

        Args:
            name: of the run or of its folder.
            root: the folder of all runs.
            advice: what to do if there is no such run.

        Raises:
            RunFolderError: there is no such run.
        """
        for path in (root / name, Path(name)):
            # Settings that were deleted can be had from a checkpoint.
            if (path / _CONFIG).is_file() or any((path / "checkpoints").glob("*.pt")):
                return cls(path)
        if (root / name).is_dir():
            raise RunFolderError(f"{root / name} is not a run: it has no {_CONFIG}.")
        known = [run.name for run in list_runs(root)]
        raise RunFolderError(
            f"there is no run '{name}' in {root}/.{did_you_mean(name, known)} {advice}"
        )

    @classmethod
    def newest(cls, *, root: Path = RUNS) -> RunFolder:
        """Return the run that was last at work.

        Raises:
            RunFolderError: there are no runs.
        """
        runs = list_runs(root)
        if not runs:
            raise RunFolderError(f"there is no run in {root}/ yet. 'newt train' starts one.")
        return max(runs, key=RunFolder._last_change)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def config_file(self) -> Path:
        """The resolved settings."""
        return self.path / _CONFIG

    @property
    def specs(self) -> Path:
        """Folder of the user's own task specs, as they were when the run began; may be missing."""
        return self.path / _SPECS

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def replay(self) -> Path:
        """Folder of the replay buffer."""
        return self.path / "replay"

    @property
    def metrics_file(self) -> Path:
        """The metrics, a JSON object per line."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """Folder of the TensorBoard events."""
        return self.path / "tb"

    @property
    def evaluations(self) -> Path:
        """Folder of the evaluations."""
        return self.path / "eval"

    @property
    def pretraining(self) -> RunFolder:
        """The part that learned from demonstrations alone: a run of its own inside this one."""
        return RunFolder(self.path / "pretraining")

    @property
    def videos(self) -> Path:
        """Folder of the videos."""
        return self.path / "videos"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"

    def write_evaluation(self, step: int, document: Mapping[str, Any]) -> Path:
        """Write ``eval/<step>.json``, atomically, and return its path."""
        path = self.evaluations / f"{step}.json"
        try:
            write_json(path, document)
        except OSError as error:
            raise RunFolderError(f"cannot write {path}: {error.strerror}.") from error
        return path

    def read_evaluations(self) -> dict[int, dict[str, Any]]:
        """Return every evaluation under its step, in the order of the steps."""
        return {
            step: json.loads(path.read_text(encoding="utf-8"))
            for step, path in self._evaluation_files()
        }

    def discard_evaluations_after(self, step: int) -> None:
        """Remove the evaluations of later steps, when a run goes on from ``step``."""
        for evaluated, path in self._evaluation_files():
            if evaluated > step:
                path.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from training in this run while the block lasts.

        Raises:
            RunFolderError: another process holds it.
        """
        try:
            lock = take_lock(self.path / ".lock")
        except AlreadyLockedError as error:
            raise RunFolderError(
                f"{self.path} is being trained in by {error.holder}. "
                "Stop that one first, or start another run with --run NAME."
            ) from error
        except OSError as error:
            raise RunFolderError(f"cannot write in {self.path}: {error.strerror}.") from error
        with lock:
            yield

    def _evaluation_files(self) -> list[tuple[int, Path]]:
        files = self.evaluations.glob("*.json")
        return sorted((int(path.stem), path) for path in files if path.stem.isdigit())

    def _last_change(self) -> float:
        signs = (self.config_file, self.metrics_file, self.checkpoints)
        return max(path.stat().st_mtime for path in signs if path.exists())


def list_runs(root: Path = RUNS) -> list[RunFolder]:
    """Return every run in ``root``, in the order of their names."""
    return [RunFolder(path.parent) for path in sorted(root.glob(f"[!.]*/{_CONFIG}"))]


def run_label(tasks: str, preset: str | None) -> str:
    """Return what a run's name says after its date, such as ``walker-run_cpu``.

    >>> run_label("walker-*, cartpole-balance", "cpu")
    'walker-cartpole-balance_cpu'
    """
    words = re.sub(r"[^A-Za-z0-9]+", "-", tasks)[:_LONGEST_LABEL].strip("-") or "tasks"
    return f"{words}_{preset}" if preset else words


def _take_name(draft: Path, name: str | None, label: str, root: Path) -> Path:
    """Move ``draft`` to the run's place and return that."""
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
            raise _taken(path)
    raise AssertionError("count() does not end")


def _taken(path: Path) -> RunFolderError:
    if (path / _CONFIG).is_file():
        return RunFolderError(
            f"the run {path} already exists. Resume it with --resume, or choose another --run NAME."
        )
    return RunFolderError(f"{path} already exists and is not a run. Choose another --run NAME.")
