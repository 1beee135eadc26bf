"""Image features beside the demonstrations, so that a picture is encoded once and for all.

``<task>.<encoder>.features`` lies beside ``<task>.h5`` and has a checksum like it. It has a group
per episode, named by the checksum that the episode has in its own file::

    9f86d081…/features_rgb      [T + 1, 768]  float16, the encoder's name as its attribute

So what belongs to a changed episode or to another encoder is never found. The file can be deleted
at any time. Whatever is wrong with it costs time, and nothing else: pictures are encoded again.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import h5py
import numpy as np

from newt_core.demos.checksum import BLOCK_BYTES, IMAGE_FEATURES, check_checksum
from newt_core.demos.problems import IMAGE_DIM
from newt_core.demos.schema import ENCODER, FEATURES
from newt_core.demos.write import write_file
from newt_core.errors import DamagedDemoError, DemoError
from newt_core.files import AlreadyLockedError, remove_unfinished, take_lock
from newt_core.types import HalfArray

SUFFIX = ".features"
"""How the file's name ends: not as those of demonstrations do, which every ``*.h5`` is."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._@-]")


def features_path(demos: Path, encoder: str) -> Path:
    """Return where an encoder's features of a demonstration file are kept."""
    return demos.with_name(f"{demos.stem}.{_UNSAFE.sub('_', encoder)}{SUFFIX}")


class KeptFeatures:
    """The features of one demonstration file by one encoder; see :func:`keeping_features`.

    Args:
        demos: the demonstration file.
        encoder: the encoder's name.
    """

    def __init__(self, demos: Path, encoder: str) -> None:
        self.path = features_path(demos, encoder)
        self._encoder = encoder
        self._version = _version(self.path)
        self._stored = read_features(self.path, encoder)
        self._used: dict[str, HalfArray] = {}
        self._lock: ExitStack | None = None
        self._asked_for_lock = False
        self._grown = False

    def features(self, digest: str, rows: int, encode: Callable[[], HalfArray]) -> HalfArray:
        """Return an episode's features, stored or made now.

        Args:
            digest: the episode's checksum; an empty one is never stored.
            rows: T + 1.
            encode: makes them of the pictures, [rows, 768] float16; not called if they are
                stored.
        """
        found = self._find(digest, rows)
        if found is None:
            # Somebody else may have been at it until a moment ago.
            if self._take_lock() and _version(self.path) != self._version:
                self._stored = read_features(self.path, self._encoder)
                found = self._find(digest, rows)
            if found is None:
                found = encode()
                self._grown = True
        if digest:
            self._used[digest] = found
        return found

    def save(self) -> None:
        """Store what was asked for, and no more, if some of it is new; warn where that fails."""
        if not (self._grown and self._used and self._lock):
            return
        try:
            write_file(self.path, _content(self._used, self._encoder), IMAGE_FEATURES)
        except OSError as error:
            self._explain(error.strerror or str(error))

    def close(self) -> None:
        """Let others write the file."""
        if self._lock is not None:
            _lock_path(self.path).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _find(self, digest: str, rows: int) -> HalfArray | None:
        found = self._stored.get(digest)
        return found if found is not None and found.shape == (rows, IMAGE_DIM) else None

    def _take_lock(self) -> bool:
        """Try once to become the one who writes the file; return whether that worked just now."""
        if self._asked_for_lock:
            return False
        self._asked_for_lock = True
        try:
            with ExitStack() as stack:
                stack.enter_context(take_lock(_lock_path(self.path)))
                self._lock = stack.pop_all()
            remove_unfinished(self.path.parent, self.path.name)
        except AlreadyLockedError as error:
            self._explain(f"{error.holder} is making them, too")
        except OSError as error:
            self._explain(error.strerror or str(error))
        return self._lock is not None

    def _explain(self, reason: str) -> None:
        # The same text for every file of the folder: Python shows it once.
        warnings.warn(
            f"features of pictures are not kept in {self.path.parent} ({reason}): "
            "the next command encodes the pictures again",
            stacklevel=4,
        )


@contextmanager
def keeping_features(demos: Path, encoder: str) -> Iterator[KeptFeatures]:
    """Give the block the features of a demonstration file; store new ones if it succeeds.

    Args:
        demos: the demonstration file.
        encoder: the encoder's name.
    """
    kept = KeptFeatures(demos, encoder)
    try:
        yield kept
        kept.save()
    finally:
        kept.close()


def read_features(path: Path, encoder: str) -> dict[str, HalfArray]:
    """Return an episode's checksum → its features, [T + 1, 768] float16, of one encoder.

    It is empty if there is no such file. One that is damaged is passed over with a warning.
    """
    if not path.exists():
        return {}
    try:
        check_checksum(path, IMAGE_FEATURES)
        with h5py.File(path, "r", locking=False) as file:
            found = {digest: file[digest][FEATURES] for digest in file}
            return {
                digest: np.asarray(rows[()])
                for digest, rows in found.items()
                if rows.attrs.get(ENCODER) == encoder and rows.dtype == np.float16
            }
    except (DemoError, OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        problem = error.problem if isinstance(error, DamagedDemoError) else f"{path}: {error}"
        warnings.warn(f"{str(problem).rstrip('.')}: pictures are encoded again", stacklevel=2)
        return {}


def _content(features: Mapping[str, HalfArray], encoder: str) -> bytes:
    """Return the HDF5 part of a file."""
    file = h5py.File(
        "in memory", "w", driver="core", backing_store=False, userblock_size=BLOCK_BYTES
    )
    with file:
        for digest, rows in features.items():
            # Half precision hardly shrinks: it is stored as it is.
            data = file.create_group(digest).create_dataset(FEATURES, data=rows)
            data.attrs[ENCODER] = encoder
        file.flush()
        image: bytes = file.id.get_file_image()
        return image


def _version(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from the one that was there before it; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _lock_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")
