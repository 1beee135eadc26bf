"""The messages between a pool and the nodes that run its environments, to the byte.

Nothing in them is executed or unpickled: a message is a header, columns of numbers whose lengths
follow from the header, and for the two rare kinds a text in JSON. Whoever reads one checks the
lengths before it looks at anything else. All numbers are little-endian.

The header, 32 bytes:

======== ======= ====================================================
bytes    type    meaning
======== ======= ====================================================
0-3      4 bytes ``NEWT``
4-5      uint16  :data:`VERSION` of this layout
6-7      uint16  the kind: :class:`newt_core.envs.pool.messages.Kind`
8-11     uint32  K, environments that the message is about
12-15    uint32  D, of these, such whose episode ended with the step
16-19    uint32  F, pictures of each environment
20-23    uint32  C, tasks whose simulator has died before
24-31    uint64  the seed of a reset; the bytes of a text
======== ======= ====================================================

Then come, without gaps, the columns of :data:`COLUMNS`, each whole before the next. To a node go
BUILD (a text), RESET and STEP; from it come BUILT, FINISHED, and FAILED (a text).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newt_core.envs.pool.messages import Kind
from newt_core.settings import limits
from newt_core.types import ACTION_DIM, FRAME_SIZE, STATE_DIM

MAGIC = b"NEWT"
VERSION = 1
_HEADER = struct.Struct("<4sHHIIIIQ")
_PICTURE = (FRAME_SIZE, FRAME_SIZE, 3)


class WireError(Exception):
    """A message is not one of ours: cut short, too long, or of another version."""


class Column(NamedTuple):
    """Numbers of one type, one row after the other."""

    name: str
    dtype: str
    rows: str
    """Which of the header's numbers says how many rows: ``K``, ``D`` or ``C``."""
    shape: tuple[int, ...] = ()
    """Of a row; a picture's is preceded by F."""


_DEATHS = (Column("died", "<i4", "C"), Column("deaths", "<i4", "C"))
"""A task's first environment there, or -1 for outside of any, and how often since the beginning."""

COLUMNS: Mapping[Kind, tuple[Column, ...]] = MappingProxyType(
    {
        Kind.BUILD: (),
        Kind.RESET: (
            Column("series", "<i8", "K"),
            Column("first", "<i8", "K"),
            Column("stride", "<i8", "K"),
            Column("env", "<i4", "K"),
            Column("repeat_lost", "u1", "K"),
        ),
        Kind.STEP: (Column("env", "<i4", "K"), Column("action", "<f4", "K", (ACTION_DIM,))),
        Kind.BUILT: (Column("env", "<i4", "K"), *_DEATHS),
        Kind.FINISHED: (
            Column("episode", "<i8", "K"),
            Column("env", "<i4", "K"),
            Column("obs", "<f4", "K", (STATE_DIM,)),
            Column("reward", "<f4", "K"),
            Column("success", "<f4", "K"),
            Column("score", "<f4", "K"),
            Column("final_obs", "<f4", "D", (STATE_DIM,)),
            *_DEATHS,
            Column("done", "u1", "K"),
            Column("lost", "u1", "K"),
            Column("frames", "u1", "K", _PICTURE),
            Column("final_frames", "u1", "D", _PICTURE),
        ),
        Kind.FAILED: (),
    }
)
"""What follows the header, by kind. ``final_obs`` and ``final_frames`` have rows for the episodes
that ended alone, in the order of the environments: elsewhere they equal the present ones."""
_TEXTS = frozenset({Kind.BUILD, Kind.FAILED})


@dataclass(frozen=True)
class Message:
    """What a message says."""

    kind: Kind
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Under the names in :data:`COLUMNS`; views of a message that was received."""
    seed: int = 0
    """Of a reset."""
    content: Mapping[str, Any] = field(default_factory=dict)
    """What the text holds, of the kinds that have one."""

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]


def pack(message: Message) -> bytes:
    """Return the bytes of a message; columns that it leaves out have no rows or no pictures."""
    if message.kind in _TEXTS:
        text = json.dumps(message.content, allow_nan=False).encode()
        return _HEADER.pack(MAGIC, VERSION, message.kind, 0, 0, 0, 0, len(text)) + text
    counts = {"K": 0, "D": 0, "F": 0, "C": 0}
    parts = []
    for column in COLUMNS[message.kind]:
        if column.name in message.columns:
            values = np.ascontiguousarray(message.columns[column.name], column.dtype)
            counts[column.rows] = len(values)
            if column.shape is _PICTURE:
                counts["F"] = values.shape[1]
            parts.append(values.tobytes())
    head = _HEADER.pack(MAGIC, VERSION, message.kind, *counts.values(), message.seed)
    return b"".join((head, *parts))


def unpack(data: bytes) -> Message:
    """Return what the bytes of a message say.

    Raises:
        WireError: they are no such message.
    """
    if len(data) < _HEADER.size:
        raise WireError(f"{len(data)} bytes are no message")
    magic, version, number, k, d, f, c, last = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise WireError("it does not begin as messages do")
    if version != VERSION:
        raise WireError(f"it is of layout {version}, not {VERSION}: install the same Newt")
    if number not in COLUMNS:
        raise WireError(f"there are no messages of kind {number}")
    kind = Kind(number)
    if kind in _TEXTS:
        if (k, d, f, c) != (0, 0, 0, 0) or last != len(data) - _HEADER.size:
            raise WireError(f"a text of {last} bytes is not what follows")
        return Message(kind, content=_content(data[_HEADER.size :]))
    if max(k, d, c) > limits.ENVIRONMENTS or d > k or f > limits.HORIZON:
        raise WireError(f"{k} environments, {d} ended, {f} pictures, {c} counts cannot be")
    counts = {"K": k, "D": d, "C": c}
    columns: dict[str, NDArray[Any]] = {}
    start = _HEADER.size
    for name, dtype, rows, shape in COLUMNS[kind]:
        sizes = (counts[rows], *((f, *shape) if shape is _PICTURE else shape))
        length = math.prod(sizes) * np.dtype(dtype).itemsize  # Python's numbers do not overflow
        if start + length > len(data):
            raise WireError(f"it is cut short within '{name}'")
        values = np.frombuffer(data, dtype, math.prod(sizes), start)
        columns[name] = values.reshape(sizes)
        start += length
    if start != len(data):
        raise WireError(f"{len(data) - start} bytes too many")
    return Message(kind, columns, seed=last)


def _content(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise WireError("its text is not JSON") from error
    if not isinstance(content, dict):
        raise WireError("its text is no mapping")
    return content
