"""What a demonstration file holds, in HDF5's names and as records.

``demos/<task>.h5`` has a group ``episode_0``, ``episode_1``, … per episode, without padding, as
Minari lays its episodes out::

    episode_0/observations      [T + 1, obs_dim]  float32
              actions           [T, action_dim]   float32 in [-1, 1]
              rewards           [T]               float32
              terminations      [T]               bool
              truncations       [T]               bool
              infos/success     [T]               float32, NaN where unknown
              infos/score       [T]               float32, NaN where unknown
              observations_rgb  [T + 1, 224, 224, 3]  uint8, if pictures were recorded
              features_rgb      [T + 1, 768]      float16, if there are image features

The attributes of an episode are the fields of :class:`EpisodeInfo` and a checksum; those of the
file are the fields of :class:`FileHeader`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newt_core.errors import DemoError
from newt_core.specs.schema import TaskSpec
from newt_core.types import BoolArray, ByteArray, FloatArray
from newt_core.version import __version__

FORMAT_VERSION = 1
"""Version of the layout; raised when older files can no longer be read."""
SUFFIX = ".h5"
"""How the name of a demonstration file ends."""
UNKNOWN_SEED = -1
"""The seed of an episode that was imported without one."""

DIGEST = "sha256"
"""Attribute of an episode: checksum of its arrays, its attributes and its task."""
RGB = "observations_rgb"
FEATURES = "features_rgb"
ENCODER = "encoder"
"""Attribute of the image features: the encoder that made them."""

ARRAYS: Mapping[str, tuple[str, type, int]] = {
    "observations": ("observations", np.float32, 2),
    "actions": ("actions", np.float32, 2),
    "rewards": ("rewards", np.float32, 1),
    "terminations": ("terminations", np.bool_, 1),
    "truncations": ("truncations", np.bool_, 1),
    "success": ("infos/success", np.float32, 1),
    "score": ("infos/score", np.float32, 1),
}
"""Field of :class:`DemoEpisode` → name in the group, type, number of axes."""

_LIBRARIES = ("newt", "numpy", "h5py", "mujoco", "gymnasium")
"""Packages whose versions a file states."""


@dataclass(frozen=True, eq=False)
class DemoEpisode:
    """One recorded episode of T steps, without padding."""

    observations: FloatArray
    """[T + 1, obs_dim]"""
    actions: FloatArray
    """[T, action_dim]; row t led from observation t to t + 1."""
    rewards: FloatArray
    """[T]"""
    terminations: BoolArray
    """[T]"""
    truncations: BoolArray
    """[T]"""
    success: FloatArray
    """[T] 0 or 1 after each step; NaN where it is not known."""
    score: FloatArray
    """[T] the normalised score so far; NaN where it is not known."""
    seed: int = UNKNOWN_SEED
    """What the environment was reset with."""
    rgb: Callable[[], ByteArray] | None = None
    """Returns the pictures, [T + 1, 224, 224, 3]; a function because they are large."""
    features: NDArray[np.float16] | None = None
    """[T + 1, 768] image features."""
    encoder: str = ""
    """What made the features."""

    @property
    def info(self) -> EpisodeInfo:
        """What the arrays amount to; the id is not known here."""
        return EpisodeInfo(
            id=0,
            seed=self.seed,
            total_steps=len(self.rewards),
            episode_return=float(np.sum(self.rewards, dtype=np.float64)),
            success=float(self.success[-1]),
            score=float(self.score[-1]),
        )


@dataclass(frozen=True)
class EpisodeInfo:
    """An episode's attributes."""

    id: int
    seed: int
    total_steps: int
    episode_return: float
    """Sum of rewards; its attribute is called ``return``."""
    success: float
    """At the last step; NaN where it is not known."""
    score: float
    """At the last step; NaN where it is not known."""

    def to_attributes(self) -> dict[str, Any]:
        """Return the attributes to store."""
        return {_attribute(field.name): getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> EpisodeInfo:
        """Undo :meth:`to_attributes`.

        Raises:
            DemoError: one is missing or of another type.
        """
        return cls(**_typed(cls, attributes))


@dataclass(frozen=True)
class FileHeader:
    """A file's attributes."""

    format_version: int
    task: str
    """The task's id."""
    task_version: int
    """Version of the task's behaviour, from its spec."""
    spec_hash: str
    """Of the whole spec, the wording of its texts included."""
    expert: str
    """Who acted: ``scripted``, or ``checkpoint`` with its file's hash; several are joined by a
    comma."""
    libraries: str
    """JSON: package → version."""
    created: str
    """Time of the last writing, in ISO format."""
    rejected: int
    """Episodes that were collected, but not good enough to keep."""
    total_episodes: int
    total_steps: int

    def to_attributes(self) -> dict[str, Any]:
        """Return the attributes to store."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> FileHeader:
        """Undo :meth:`to_attributes`.

        Raises:
            DemoError: one is missing or of another type, or the format is another one.
        """
        found = attributes.get("format_version")
        if found is not None and found != FORMAT_VERSION:
            raise DemoError(
                f"has format version {found}, but this Newt reads version {FORMAT_VERSION}. "
                "Use the Newt that wrote it."
            )
        return cls(**_typed(cls, attributes))


def new_header(spec: TaskSpec, expert: str) -> FileHeader:
    """Return the header of a file without episodes yet."""
    return FileHeader(
        format_version=FORMAT_VERSION,
        task=spec.id,
        task_version=spec.version,
        spec_hash=spec.spec_hash,
        expert=expert,
        libraries=library_versions(),
        created=now(),
        rejected=0,
        total_episodes=0,
        total_steps=0,
    )


@cache
def library_versions() -> str:
    """Return the versions of the libraries in use, as JSON."""
    versions = {"newt": __version__}
    for name in _LIBRARIES[1:]:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return json.dumps(versions)


def now() -> str:
    """Return the time, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def group_name(number: int) -> str:
    """Return the name of an episode's group."""
    return f"episode_{number}"


def group_digest(group: Any, header: FileHeader) -> str:
    """Return the checksum of an episode as it is stored.

    It covers every array and attribute of the group, and says which task they belong to.

    Args:
        group: the ``h5py.Group`` of the episode.
        header: of the file.
    """
    digest = hashlib.sha256()
    digest.update(f"{header.task}\n{header.spec_hash}\n".encode())

    def visit(name: str, item: Any) -> None:
        shape = getattr(item, "shape", None)
        digest.update(f"{name} {shape} {getattr(item, 'dtype', None)}\n".encode())
        for key in sorted(item.attrs):
            digest.update(f"{key} {_python(item.attrs[key])!r}\n".encode())
        if shape is not None:
            digest.update(np.ascontiguousarray(item[()]).tobytes())

    for key in sorted(set(group.attrs) - {DIGEST}):
        digest.update(f"{key} {_python(group.attrs[key])!r}\n".encode())
    group.visititems(visit)
    return digest.hexdigest()


def same_number(one: float, other: float) -> bool:
    """Whether two sums of float32 numbers agree up to rounding, NaN with NaN."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-4)


def _python(value: Any) -> Any:
    """Return an attribute in Python's own types, whose ``repr`` does not depend on NumPy's."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _attribute(field: str) -> str:
    return "return" if field == "episode_return" else field


_PYTHON_TYPES: Mapping[str, type] = {"int": int, "float": float, "str": str}


def _typed(record: type, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's fields out of HDF5 attributes, as Python's own numbers and texts."""
    values: dict[str, Any] = {}
    for field in fields(record):
        name = _attribute(field.name)
        if name not in attributes:
            raise DemoError(f"has no attribute '{name}'")
        wanted = _PYTHON_TYPES[str(field.type)]
        value = _python(attributes[name])
        if isinstance(value, int) and wanted is float:
            value = float(value)
        if type(value) is not wanted:
            raise DemoError(f"has the attribute '{name}' = {value!r}, which is no {field.type}")
        values[field.name] = value
    return values
