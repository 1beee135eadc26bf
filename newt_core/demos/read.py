"""Whole episodes out of a demonstration file, or a clear error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from newt_core.demos.checksum import check_checksum
from newt_core.demos.problems import episode_problems, header_problems, info_problems, rgb_problem
from newt_core.demos.schema import (
    ARRAYS,
    DIGEST,
    ENCODER,
    FEATURES,
    RGB,
    DemoEpisode,
    EpisodeInfo,
    FileHeader,
    group_name,
)
from newt_core.errors import DemoError, in_short
from newt_core.specs.schema import TaskSpec


class DemoFile:
    """An open file, whose header has been read; see :func:`open_demos`."""

    def __init__(self, path: Path, file: Any) -> None:
        self.path = path
        self._file = file
        with _explained(path):
            self.header = FileHeader.from_attributes(file.attrs)

    def __len__(self) -> int:
        """Return the number of episodes that the header promises."""
        return self.header.total_episodes

    def names(self) -> list[str]:
        """Return the names of all groups, whatever they are called."""
        with _explained(self.path):
            return list(self._file)

    def info(self, number: int) -> EpisodeInfo:
        """Return an episode's attributes.

        Raises:
            DemoError: it is missing or not laid out as it should be.
        """
        with _explained(self.path, number):
            return EpisodeInfo.from_attributes(self._file[group_name(number)].attrs)

    def digest(self, number: int) -> str:
        """Return the checksum that an episode was stored with; empty if there is none.

        Raises:
            DemoError: the episode is missing.
        """
        with _explained(self.path, number):
            return str(self._file[group_name(number)].attrs.get(DIGEST, ""))

    def has_pictures(self, number: int) -> bool:
        """Whether an episode has pictures or features of them; nothing of it is read.

        Raises:
            DemoError: the episode is missing.
        """
        with _explained(self.path, number):
            group = self._file[group_name(number)]
            return RGB in group or FEATURES in group

    def episode(self, number: int) -> DemoEpisode:
        """Return an episode's data. Its pictures can be fetched while the file is open.

        Raises:
            DemoError: it is missing or not laid out as it should be.
        """
        with _explained(self.path, number):
            return read_episode(self._file[group_name(number)])


def read_episode(group: Any) -> DemoEpisode:
    """Return the episode in an ``h5py.Group``.

    Raises:
        DemoError: an array is missing or of another type.
        Exception: whatever else h5py raises for a damaged file.
    """
    info = EpisodeInfo.from_attributes(group.attrs)
    arrays: dict[str, Any] = {}
    for field, (name, kind, axes) in ARRAYS.items():
        data = _dataset(group, name)
        if data.dtype != np.dtype(kind) or data.ndim != axes:
            raise DemoError(
                f"its {name} are {data.ndim}-dimensional {data.dtype}, not {axes}-dimensional "
                f"{np.dtype(kind)}"
            )
        arrays[field] = data[()]
    if FEATURES in group:
        features = _dataset(group, FEATURES)
        arrays["features"] = np.asarray(features[()], np.float16)
        arrays["encoder"] = str(features.attrs.get(ENCODER, ""))
    if RGB in group:
        pictures = _dataset(group, RGB)
        problem = rgb_problem(pictures.shape, len(arrays["rewards"]))
        if problem or pictures.dtype != np.uint8:
            raise DemoError(problem or f"its pictures are {pictures.dtype}, not uint8")
        arrays["rgb"] = lambda: pictures[()]
    return DemoEpisode(seed=info.seed, **arrays)


@contextmanager
def open_demos(path: Path) -> Iterator[DemoFile]:
    """Open a file whose checksum holds.

    Raises:
        DemoError: it is missing, not a demonstration file or of another format.
        DamagedDemoError: it is cut short or changed.
    """
    check_checksum(path)
    with _explained(path):
        # Files are replaced and never changed in place: HDF5's own locks are not needed.
        file = h5py.File(path, "r", locking=False)
    with file:
        yield DemoFile(path, file)


def read_demos(path: Path, spec: TaskSpec) -> Iterator[DemoEpisode]:
    """Yield every episode of a task's file; the last error before wrong data reaches a learner.

    Raises:
        DemoError: the file is not usable, or an episode in it does not fit the task.
    """
    with open_demos(path) as file:
        yield from fitting_episodes(file, spec)


def fitting_episodes(file: DemoFile, spec: TaskSpec) -> Iterator[DemoEpisode]:
    """Yield every episode of an open file, in its order; see :func:`read_demos`.

    Raises:
        DemoError: an episode is not laid out as it should be or does not fit the task.
    """
    require_fit(file.path, file.header, spec)
    for number in range(len(file)):
        info, episode = file.info(number), file.episode(number)
        for problems in (episode_problems(episode, spec), info_problems(info, episode, number)):
            for problem in problems:
                raise DemoError(f"{file.path}: {group_name(number)}: {problem}.")
        yield episode


def require_fit(path: Path, header: FileHeader, spec: TaskSpec) -> None:
    """Return if a file was recorded in a task as it behaves now; warn if its spec changed.

    Raises:
        DemoError: it is of another task, or of another version of the task.
    """
    for problem in header_problems(header, spec):
        # The same version behaves the same, and a spec's hash covers its wording, too.
        if header.task == spec.id and header.task_version == spec.version:
            warnings.warn(f"{path} {problem}", stacklevel=3)
        else:
            raise DemoError(f"{path} {problem}. Name the file that belongs to the task.")


def _dataset(group: Any, name: str) -> Any:
    found = group.get(name)
    if not isinstance(found, h5py.Dataset):
        raise DemoError(f"has no {name}")
    return found


@contextmanager
def _explained(path: Path, number: int | None = None) -> Iterator[None]:
    """Turn whatever a foreign or damaged file makes HDF5 raise into an error that names it."""
    place = f"{path}: " if number is None else f"{path}: {group_name(number)}: "
    try:
        yield
    except DemoError as error:
        raise DemoError(f"{place}{str(error).rstrip('.')}.") from error
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        reason = in_short(error)
        raise DemoError(f"{place}cannot be read: {reason}.") from error
