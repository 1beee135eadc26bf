"""Where the rows lie: in files, in memory or on a GPU, behind the same tensors.

One row holds an observation and what was done there. The row after it holds the observation
that this led to, so an episode of T steps fills T + 1 rows, and the action and reward of its
last row mean nothing. Nothing is stored per row besides the data: 580 bytes, and 1,536 more for
the feature of a picture.
"""

from __future__ import annotations

import errno
import json
import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from newt_core.errors import ConfigError, RunFolderError, did_you_mean
from newt_core.files import write_json
from newt_core.replay.table import ENTRY_FIELDS, max_episodes
from newt_core.types import ACTION_DIM, IMAGE_DIM, STATE_DIM, Episode, IntArray

FORMAT_VERSION = 1
"""Version of the folder's layout; raised when older folders can no longer be read."""

_TORCH_TYPES = {"float32": torch.float32, "float16": torch.float16}
OR_WITHOUT = ", or go on with an empty replay in memory: --no-save-replay"
"""What a user can do, at the end of a message, about a replay on disk that cannot be used."""
HEADER = "replay.json"
"""Says what the files of a replay are; written last."""
_TABLE = "episodes"


class Column(NamedTuple):
    """What a row holds under one name."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        """Bytes per row."""
        return math.prod(self.shape) * self.dtype.itemsize


def columns(*, features: bool) -> dict[str, Column]:
    """Return the columns of a buffer, with or without features of pictures."""
    single = np.dtype(np.float32)
    found = {
        "obs": Column((STATE_DIM,), single),
        "action": Column((ACTION_DIM,), single),
        "reward": Column((), single),
    }
    if features:
        # Half precision: 11 bits, more than bfloat16 gives the encoder on a GPU.
        found["features"] = Column((IMAGE_DIM,), np.dtype(np.float16))
    return found


class Storage:
    """``capacity`` rows as tensors, and the entries of the episode table.

    Args:
        rows: A tensor for each of :func:`columns`, by name.
        entries: See :mod:`newt_core.replay.table`.
    """

    lasts: ClassVar[bool] = False
    """Whether the rows outlive the process."""

    def __init__(self, rows: Mapping[str, torch.Tensor], entries: IntArray) -> None:
        self.obs = rows["obs"]
        """[capacity, S]"""
        self.action = rows["action"]
        """[capacity, A]"""
        self.reward = rows["reward"]
        """[capacity]"""
        self.features = rows.get("features")
        """[capacity, D] float16, or None."""
        self.entries = entries
        """[max_episodes, 4]"""

    @property
    def device(self) -> torch.device:
        """Where the rows lie."""
        return self.obs.device

    def reserve(self, start: int, rows: int, slot: int) -> None:
        """Make sure that ``rows`` rows from ``start`` on and one entry can be written.

        Raises:
            RunFolderError: if the disk is full.
        """

    def write(self, start: int, episode: Episode) -> None:
        """Write an episode's T + 1 rows from row ``start`` on."""
        steps = len(episode.reward)
        # torch.tensor copies: NumPy arrays may be read-only, which tensors cannot share.
        self.obs[start : start + steps + 1] = torch.tensor(episode.obs)
        self.action[start : start + steps] = torch.tensor(episode.action)
        self.reward[start : start + steps] = torch.tensor(episode.reward)
        if self.features is not None:
            self.features[start : start + steps + 1] = torch.tensor(episode.features)

    def checksum(self, start: int, length: int) -> int:
        """Return the CRC-32 of an episode of ``length`` steps from row ``start`` on."""
        rows, steps = slice(start, start + length + 1), slice(start, start + length)
        found = 0
        for part in (self.obs[rows], self.action[steps], self.reward[steps]):
            found = zlib.crc32(part.cpu().numpy().data, found)
        if self.features is not None:
            found = zlib.crc32(self.features[rows].cpu().numpy().data, found)
        return found


class DiskStorage(Storage):
    """Rows in memory-mapped files, which survive the process.

    The files are sparse: an empty buffer takes no room on the disk, whatever its capacity.
    """

    lasts = True

    def __init__(
        self, folder: Path, capacity: int, *, features: bool = False, private: bool = False
    ) -> None:
        """Open the buffer in ``folder``, or begin one; ``private`` keeps changes to this process.

        Raises:
            RunFolderError: if the folder holds a buffer of another shape or is damaged.
        """
        self._folder = folder
        header = {
            "version": FORMAT_VERSION,
            "capacity": capacity,
            "obs_dim": STATE_DIM,
            "action_dim": ACTION_DIM,
            "image_dim": IMAGE_DIM if features else 0,
        }
        files = {name: (capacity, column) for name, column in columns(features=features).items()}
        files[_TABLE] = (max_episodes(capacity), Column((ENTRY_FIELDS,), np.dtype(np.int64)))
        sizes = {name: rows * column.row_bytes for name, (rows, column) in files.items()}

        if (folder / HEADER).exists():
            _check_header(folder, header)
            _check_sizes(folder, sizes)
        else:
            _begin(folder, header, sizes)

        self._row_bytes = {name: column.row_bytes for name, (_, column) in files.items()}
        arrays: dict[str, NDArray[Any]] = {}
        for name, (rows, column) in files.items():
            shape = (rows, *column.shape)
            mode: Literal["c", "r+"] = "c" if private else "r+"
            mapped = np.memmap(_path(folder, name), column.dtype, mode, shape=shape)
            # A plain array over the map: slices of np.memmap objects are slow to make.
            arrays[name] = np.asarray(mapped)
        entries = arrays.pop(_TABLE)
        super().__init__({name: torch.from_numpy(rows) for name, rows in arrays.items()}, entries)

    def reserve(self, start: int, rows: int, slot: int) -> None:
        """See :meth:`Storage.reserve`."""
        # Storing into a mapped hole of a file on a full disk would kill the process (SIGBUS).
        for name, row_bytes in self._row_bytes.items():
            first, count = (slot, 1) if name == _TABLE else (start, rows)
            try:
                with _path(self._folder, name).open("r+b") as file:
                    os.posix_fallocate(file.fileno(), first * row_bytes, count * row_bytes)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise RunFolderError(
                    f"{_path(self._folder, name)}: {error.strerror}, so the replay cannot grow. "
                    f"Free some room on the disk{OR_WITHOUT}."
                ) from error


def open_storage(
    kind: str,
    capacity: int,
    folder: Path | None,
    *,
    features: bool = False,
    private: bool = False,
) -> Storage:
    """Make or open a storage.

    Args:
        kind: ``disk``, ``ram``, or a torch device such as ``cuda`` or ``cuda:1``.
        capacity: rows.
        folder: where the files are; for ``disk`` only.
        features: whether rows hold a picture's feature, too.
        private: whether files stay as they are, whatever this process changes.

    Raises:
        ConfigError: if the kind is unknown, not available here or does not fit ``folder``.
        RunFolderError: if the folder holds a buffer of another shape or is damaged.
    """
    if kind == "disk":
        if folder is None:
            raise ConfigError("replay storage 'disk' needs a folder: give one, or use 'ram'.")
        return DiskStorage(folder, capacity, features=features, private=private)
    if folder is not None:
        raise ConfigError(f"replay storage '{kind}' uses no folder: leave it out, or use 'disk'.")
    device = memory_device(kind)
    # torch.empty: memory that was never written takes no room yet.
    rows = {
        name: torch.empty(
            (capacity, *column.shape), dtype=_TORCH_TYPES[column.dtype.name], device=device
        )
        for name, column in columns(features=features).items()
    }
    return Storage(rows, np.zeros((max_episodes(capacity), ENTRY_FIELDS), np.int64))


def memory_device(kind: str) -> torch.device:
    """Return the device that a storage in memory lies on.

    Args:
        kind: ``ram``, or a torch device such as ``cuda`` or ``cuda:1``.

    Raises:
        ConfigError: There is no such device here.
    """
    if kind == "ram":
        return torch.device("cpu")
    try:
        device = torch.device(kind)
    except RuntimeError as error:
        raise ConfigError(
            f"replay storage '{kind}' is unknown: use disk, ram or a device such as cuda."
            f"{did_you_mean(kind, ('disk', 'ram', 'cuda'))}"
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"replay storage '{kind}': no such GPU here, use 'disk' or 'ram'.")
    return device


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.bin"


def _begin(folder: Path, header: dict[str, int], sizes: dict[str, int]) -> None:
    """Create empty files; the header comes last, so a folder with one is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in sizes.items():
        with _path(folder, name).open("wb") as file:
            file.truncate(size)
    write_json(folder / HEADER, header)


def _check_header(folder: Path, header: dict[str, int]) -> None:
    path = folder / HEADER
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RunFolderError(
            f"{path}: damaged: it does not say what the replay is. Put back what was "
            f"there{OR_WITHOUT}."
        )
    for key, value in header.items():
        # Buffers that are older than pictures do not say that they have none.
        there = found.get(key, 0 if key == "image_dim" else None)
        if there != value:
            raise RunFolderError(
                f"{path}: the replay buffer there has {key} {there}, this run {value}. "
                f"Use {key} {there}{OR_WITHOUT}."
            )


def _check_sizes(folder: Path, sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        path = _path(folder, name)
        found = path.stat().st_size if path.exists() else 0
        if found != size:
            raise RunFolderError(
                f"{path}: {'it is missing' if not path.exists() else 'cut short'}: {found:,} "
                f"bytes, and the replay needs {size:,}. Put back what was there{OR_WITHOUT}."
            )
