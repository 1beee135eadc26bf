"""A user's own vectors: a table of task id → 512 numbers, as NPZ or safetensors.

``newt tasks embed --out FILE`` writes such a table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from newt_core.encoders.text.base import TextEncoder
from newt_core.encoders.weights import load_tensors
from newt_core.errors import ConfigError, WeightsError, did_you_mean, some_of
from newt_core.files import atomic_path
from newt_core.specs import TaskSpec
from newt_core.types import TEXT_DIM, FloatArray

TABLE_SUFFIXES = (".npz", ".safetensors")
"""Endings of the files that a table can be."""


class FileEncoder(TextEncoder):
    """Looks tasks up in a table; it reads no texts.

    Its name is made from the table's content, so that an edited table is another encoder.

    Raises:
        WeightsError: The file is missing, damaged, or not such a table.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table = read_table(path)
        digest = hashlib.sha256()
        for task_id in sorted(self._table):
            digest.update(f"{task_id}\0".encode() + self._table[task_id].tobytes())
        self.name = f"file-{digest.hexdigest()[:12]}"

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Refuse: a table has vectors of tasks, not of texts.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            f"{self._path} has vectors for tasks and cannot embed a new wording: "
            "use --text-encoder clip or hashed for that."
        )

    def encode_tasks(self, tasks: Sequence[TaskSpec]) -> FloatArray:
        """Return [n, 512], the tasks' entries.

        Raises:
            ConfigError: A task is not in the table.
        """
        missing = [task.id for task in tasks if task.id not in self._table]
        if missing:
            which = some_of([f"'{task}'" for task in missing], 1)
            raise ConfigError(
                f"{self._path} has no vector for the task {which}."
                f"{did_you_mean(missing[0], self._table)} Add an entry of this name."
            )
        rows = [self._table[task.id] for task in tasks]
        return np.array(rows, np.float32).reshape(len(tasks), self.dim)


def read_table(path: Path) -> dict[str, FloatArray]:
    """Read a table of vectors: task id → [512] float32.

    Raises:
        WeightsError: The file is missing, damaged, or an entry is not a vector of 512 finite
            numbers.
    """
    if path.suffix == ".safetensors":
        raw = {name: tensor.float().numpy() for name, tensor in load_tensors(path).items()}
    elif path.suffix == ".npz":
        raw = _read_npz(path)
    else:
        raise WeightsError(f"{path}: a table of vectors ends in {' or '.join(TABLE_SUFFIXES)}.")
    table = {}
    for name, value in raw.items():
        numbers = np.issubdtype(value.dtype, np.number)
        if value.shape != (TEXT_DIM,) or not numbers or not np.isfinite(value).all():
            raise WeightsError(
                f"{path}: the entry '{name}' must be {TEXT_DIM} finite numbers, "
                f"not {value.dtype} of shape {list(value.shape)}."
            )
        table[name] = np.ascontiguousarray(value, np.float32)
    return table


def write_table(path: Path, table: Mapping[str, FloatArray]) -> None:
    """Write a table of vectors, task id → [512], in the format that the file's ending names.

    Raises:
        ConfigError: The ending is neither.
        OSError: The file cannot be written.
    """
    if path.suffix not in TABLE_SUFFIXES:
        raise ConfigError(f"'{path}' must end in {' or '.join(TABLE_SUFFIXES)}.")
    arrays = {name: np.ascontiguousarray(vector, np.float32) for name, vector in table.items()}
    with atomic_path(path) as part:
        if path.suffix == ".safetensors":
            from safetensors.numpy import save_file

            save_file(arrays, part)
        else:
            with open(part, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise WeightsError(f"there is no table of vectors {path}.") from error
    except Exception as error:  # A malformed archive can make the reader fail in any way.
        raise WeightsError(f"{path}: damaged, or not an NPZ file of plain numbers.") from error
