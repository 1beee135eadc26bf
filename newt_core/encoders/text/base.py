"""Text encoders: what one is, and how vectors that are dear to compute are kept."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from newt_core.errors import ConfigError
from newt_core.files import atomic_path, cache_folder
from newt_core.specs import TaskSpec, Wording
from newt_core.types import TEXT_DIM, FloatArray


class TextEncoder(ABC):
    """Turns task texts into vectors; its weights, where it has any, never change."""

    name: str
    """What checkpoints record: equal names give equal vectors."""
    dim: int = TEXT_DIM
    """Entries of each vector."""
    knows_others: bool = True
    """Whether it has a vector for tasks that an agent was not trained on."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return [n, dim], a row for each of n texts; rows do not depend on each other."""

    def encode_tasks(self, tasks: Sequence[TaskSpec]) -> FloatArray:
        """Return [n, dim], a row for each of n tasks."""
        return self.encode([task.text for task in tasks])

    def encode_worded(self, tasks: Sequence[TaskSpec], wording: Wording) -> FloatArray:
        """Return [n, dim], a row for each of n tasks, or for one task in another wording.

        Raises:
            SpecError: The wording is empty, or there is not exactly one task.
            ConfigError: The encoder reads no texts, or does not know a task.
        """
        if not wording:
            return self.encode_tasks(tasks)
        return self.encode([task.text for task in wording.apply(tasks)])


class ZeroEncoder(TextEncoder):
    """Says nothing about any text: the ablation without language."""

    name = "zero"

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return [n, 512] zeros."""
        return np.zeros((len(texts), self.dim), dtype=np.float32)


class OneHotEncoder(TextEncoder):
    """Says which of a run's tasks it is and nothing about it: another ablation of language.

    The first task's vector has a one in its first entry, and so on.
    """

    name = "one-hot"
    knows_others = False

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Raise a :class:`ConfigError`: it reads no texts."""
        raise ConfigError(
            f"the text encoder '{self.name}' reads no texts: leave another wording out."
        )

    def encode_tasks(self, tasks: Sequence[TaskSpec]) -> FloatArray:
        """Return [n, 512], a one in a place of its own for each of n tasks.

        Raises:
            ConfigError: There are more tasks than entries.
        """
        if len(tasks) > self.dim:
            raise ConfigError(
                f"the text encoder '{self.name}' tells {self.dim} tasks apart, and these are "
                f"{len(tasks):,}."
            )
        return np.eye(len(tasks), self.dim, dtype=np.float32)


def encode_cached(
    texts: Sequence[str],
    identity: str,
    compute: Callable[[list[str]], FloatArray],
    dim: int = TEXT_DIM,
) -> FloatArray:
    """Return [n, dim] vectors of n texts, computing only those that are not on the disk yet.

    A vector's file is named by a hash of what it depends on, so that nothing stale is found.

    Args:
        texts: May repeat.
        identity: The encoder, its version and its weights.
        compute: Encodes m different texts as [m, dim]; not called if there is nothing to do.
        dim: Entries of each vector.
    """
    paths = {text: _vector_file(identity, text) for text in texts}
    vectors = {text: _read_vector(path, dim) for text, path in paths.items()}
    missing = [text for text, vector in vectors.items() if vector is None]
    if missing:
        for text, vector in zip(missing, compute(missing), strict=True):
            vectors[text] = vector
            # A disk that is full or cannot be written costs the next run time, nothing else.
            with suppress(OSError), atomic_path(paths[text]) as part, open(part, "wb") as file:
                np.save(file, np.asarray(vector, np.float32), allow_pickle=False)
    rows = [vectors[text] for text in texts]
    return np.array(rows, np.float32).reshape(len(texts), dim)


def _vector_file(identity: str, text: str) -> Path:
    key = hashlib.sha256(f"{identity}\0{text}".encode()).hexdigest()
    return cache_folder("text") / f"{key}.npy"


def _read_vector(path: Path, dim: int) -> FloatArray | None:
    """Return the stored vector; None if there is none, or it is damaged."""
    try:
        vector: FloatArray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = vector.shape == (dim,) and vector.dtype == np.float32 and np.isfinite(vector).all()
    return vector if whole else None
