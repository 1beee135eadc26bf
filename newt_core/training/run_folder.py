"""Where a run keeps its files.

========================= ====================================================
``config.yaml``           the resolved settings
``checkpoints/``          see :mod:`newt_core.training.checkpoint_folder`
``replay/``               the replay buffer's memory-mapped arrays; of ranks, a folder for each
``metrics.jsonl``         a JSON object per line
``starts.json``           when the run was begun and gone on with, and on what machines
``tb/``                   TensorBoard events
``eval/<step>.json``      scores of each evaluation
``videos/``               films of its agent
``openloop/``             what its agent does without feedback
``report.html``           what it showed
========================= ====================================================
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from newt_core.errors import RunFolderError, did_you_mean, in_short
from newt_core.files import AlreadyLockedError, take_lock, write_json, write_text
from newt_core.training.new_folder import make_folder
from newt_core.training.run_name import CONFIG, FINETUNING, RUN_LIST, RUNS

_SPECS = "specs"


@dataclass(frozen=True)
class RunFolder:
    """One run's folder. It is a run because it holds a ``config.yaml``."""

    path: Path

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

        def fill(draft: Path) -> None:
            write_text(draft / CONFIG, config)
            for file, text in specs.items():
                write_text(draft / _SPECS / file, text)

        return cls(make_folder(name, label=label, root=root, fill=fill))

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
            if (path / CONFIG).is_file() or any((path / "checkpoints").glob("*.pt")):
                return cls(path)
        several = {FINETUNING: "a finetuning, of several runs", RUN_LIST: "a list of runs"}
        for file, what in several.items():
            if (root / name / file).is_file():
                raise RunFolderError(
                    f"{root / name} is {what}: name one of them, with --runs-dir {root / name}."
                )
        if (root / name).is_dir():
            raise RunFolderError(f"{root / name} is not a run: it has no {CONFIG}.")
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
        return self.path / CONFIG

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
    def starts(self) -> Path:
        """When the run was begun and gone on with, and on what machines."""
        return self.path / "starts.json"

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
        """Return every evaluation under its step, in the order of the steps.

        Raises:
            RunFolderError: a file cannot be read, or is not JSON.
        """
        evaluations = {}
        for step, path in self._evaluation_files():
            try:
                evaluations[step] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError) as error:
                raise RunFolderError(
                    f"{path} is no evaluation: {in_short(error)}. Remove it."
                ) from error
        return evaluations

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

    def discard_if_unused(self) -> None:
        """Remove the folder of a run that came to nothing, so that its name is free again.

        That is one without any checkpoint, evaluation or row of metrics.
        """
        used = (*self.path.rglob("*.pt"), *self.path.rglob("eval/*.json"))
        logged = any(file.stat().st_size for file in self.path.rglob("metrics.jsonl"))
        if not used and not logged:
            shutil.rmtree(self.path, ignore_errors=True)

    def _evaluation_files(self) -> list[tuple[int, Path]]:
        files = self.evaluations.glob("*.json")
        return sorted((int(path.stem), path) for path in files if path.stem.isdigit())

    def _last_change(self) -> float:
        signs = (self.config_file, self.metrics_file, self.checkpoints)
        return max(path.stat().st_mtime for path in signs if path.exists())


def list_runs(root: Path = RUNS, *, grouped: bool = False) -> list[RunFolder]:
    """Return every run in ``root``, in the order of their names.

    Args:
        root: the folder of all runs.
        grouped: whether to look into folders that hold several runs, such as a finetuning's.
    """
    files = list(root.glob(f"[!.]*/{CONFIG}"))
    if grouped:
        groups = (path for path in root.glob("[!.]*/") if not (path / CONFIG).is_file())
        files += [file for group in groups for file in group.glob(f"[!.]*/{CONFIG}")]
    return [RunFolder(path.parent) for path in sorted(files)]
