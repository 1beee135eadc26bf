"""What the pool and its workers say to each other over a worker's connection.

A message is one byte, its kind, and a body. The two kinds that every step needs carry only
environment numbers and are packed by hand; the rare others carry a pickle. Data never travel
here: they are in the shared memory, and passing a message orders the accesses to it.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import numpy as np


class Speaker(Protocol):
    """One end of a connection: what of ``multiprocessing``'s is used."""

    def send_bytes(self, buf: bytes, /) -> None:
        """Send a message."""

    def recv_bytes(self) -> bytes:
        """Wait for a message."""


class Kind(IntEnum):
    """What a message asks or tells."""

    BUILD = 0
    """To a worker: build these environments. Body: list of (env id, spec, measure its cost?)."""
    DROP = 1
    """To a worker: close these environments and forget them."""
    RESET = 2
    """To a worker: begin an episode in each of these environments."""
    STEP = 3
    """To a worker: make one agent step in each of these environments."""
    BUILT = 4
    """From a worker: an environment stands. Body: (env id, seconds per step or None)."""
    FINISHED = 5
    """From a worker: the rows of these environments are up to date."""
    FAILED = 6
    """From a worker: an environment raised an error and is gone. Body: a :class:`Failure`."""


_CARRIES_IDS = frozenset({Kind.DROP, Kind.RESET, Kind.STEP, Kind.FINISHED})


class Failure(NamedTuple):
    """A Python error inside a simulator."""

    env_id: int
    doing: str
    """``"build"``, ``"reset"`` or ``"step"``."""
    error_name: str
    """The class of the error."""
    text: str
    """Its message and, unless the user can put it right, the place in the code that raised it."""


def send(connection: Speaker, kind: Kind, body: Any) -> None:
    """Send a message; ``body`` is a sequence of environment ids for the kinds above.

    Raises:
        OSError: the other side is gone.
    """
    if kind in _CARRIES_IDS:
        packed = np.asarray(body, dtype=np.int32).tobytes()
    else:
        packed = pickle.dumps(body)
    connection.send_bytes(bytes((kind,)) + packed)


def receive(connection: Speaker) -> tuple[Kind, Any]:
    """Wait for a message and return its kind and body.

    Raises:
        EOFError: the other side is gone.
        OSError: the other side is gone in the middle of a message.
    """
    message = connection.recv_bytes()
    kind = Kind(message[0])
    if kind in _CARRIES_IDS:
        ids: Sequence[int] = np.frombuffer(message, dtype=np.int32, offset=1).tolist()
        return kind, ids
    return kind, pickle.loads(message[1:])
