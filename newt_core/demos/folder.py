"""Which demonstration files a user means, and what each holds at a glance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from newt_core.demos.read import open_demos
from newt_core.demos.schema import SUFFIX, EpisodeInfo, FileHeader
from newt_core.errors import DemoError
from newt_core.specs.load import SpecLibrary
from newt_core.specs.schema import TaskSpec
from newt_core.specs.score import ScoreRule, has_success_signal

MINARI_FILE = Path("data/main_data.hdf5")
"""Where a Minari dataset has its episodes."""


def demo_path(folder: Path, task: str) -> Path:
    """Return the place of a task's file."""
    return folder / f"{task}{SUFFIX}"


def demo_files(folder: Path) -> list[Path]:
    """Return every demonstration file in a folder, by name.

    Raises:
        DemoError: there is no such folder, or no file in it.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise DemoError(
            f"the folder of demonstrations {folder} {what}. 'newt collect-demos' makes "
            "demonstrations, --demos names their folder."
        )
    files = sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))
    if not files:
        raise DemoError(
            f"there are no demonstrations in {folder}: no file there ends in {SUFFIX}. "
            "'newt collect-demos' makes some."
        )
    return files


def inside_dataset(path: Path) -> Path:
    """Return the file of demonstrations in a folder that ``newt demos export`` made for Minari.

    Any other path is returned as it is.
    """
    for inner in (path / MINARI_FILE, path / MINARI_FILE.name):
        if inner.is_file():
            return inner
    return path


def require_demos(folder: Path, specs: Sequence[TaskSpec]) -> None:
    """Return if at least one of the tasks has a file in a folder.

    Raises:
        DemoError: none has, or there is no such folder.
    """
    demo_files(folder)
    if not any(demo_path(folder, spec.id).exists() for spec in specs):
        shown = specs[0].id if len(specs) == 1 else f"none of the {len(specs)} tasks"
        raise DemoError(
            f"{shown} has {'no ' if len(specs) == 1 else ''}demonstrations in {folder}. "
            "'newt demos list' shows which there are."
        )


def find_files(names: Sequence[str], folder: Path, specs: SpecLibrary) -> list[Path]:
    """Return the files that a user names.

    Args:
        names: files, folders, or selectors of tasks, whose files are in ``folder``; none for
            every file in ``folder``.
        folder: where the files of tasks are.
        specs: the tasks there are.

    Raises:
        DemoError: there is no such file, or none for a selector.
        UnknownTaskError: a name is neither a file nor a selector.
    """
    if not names:
        return demo_files(folder)
    found: dict[Path, None] = {}
    for name in names:
        path = inside_dataset(Path(name))
        if path.is_dir() and name not in specs:
            found.update(dict.fromkeys(demo_files(path)))
        elif path.is_file():
            found[path] = None
        elif name.endswith(SUFFIX):
            raise DemoError(f"there is no demonstration file {path}.")
        else:
            found.update(dict.fromkeys(_files_of(name, folder, specs)))
    return list(found)


def _files_of(selector: str, folder: Path, specs: SpecLibrary) -> list[Path]:
    tasks = specs.select(selector)
    files = [demo_path(folder, spec.id) for spec in tasks]
    present = [path for path in files if path.exists()]
    if not present:
        demo_files(folder)  # Says so if there is nothing at all.
        shown = ", ".join(spec.id for spec in tasks[:3]) + (", …" if len(tasks) > 3 else "")
        raise DemoError(
            f"there are no demonstrations of {shown} in {folder}. 'newt demos list' shows which "
            "there are."
        )
    return present


@dataclass(frozen=True)
class FileSummary:
    """One file at a glance."""

    path: Path
    header: FileHeader
    episodes: tuple[EpisodeInfo, ...]
    rule: ScoreRule | None = None
    """How the task is scored; None where the task is not known here."""

    @property
    def mean_return(self) -> float | None:
        """Mean over episodes; None without any."""
        return _mean([info.episode_return for info in self.episodes])

    @property
    def success(self) -> float | None:
        """Mean over episodes; None where the task has no success signal."""
        return _mean([info.success for info in self.episodes]) if self.has_success else None

    @property
    def has_success(self) -> bool:
        """Whether the task has a success signal."""
        return has_success_signal([info.success for info in self.episodes], self.rule)

    @property
    def score(self) -> float | None:
        """Mean over episodes; None where it is not known."""
        return _mean([info.score for info in self.episodes])


def summarise_file(path: Path, specs: Mapping[str, TaskSpec]) -> FileSummary:
    """Read a file's attributes and those of its episodes; ``specs`` say how tasks are scored.

    Raises:
        DemoError: the file is not usable.
    """
    with open_demos(path) as file:
        spec = specs.get(file.header.task)
        infos = tuple(file.info(number) for number in range(len(file)))
        return FileSummary(path, file.header, infos, spec.score if spec else None)


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else None
