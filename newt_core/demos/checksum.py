"""The checksum of a demonstration file, in front of the HDF5 data, beside its length.

HDF5 files may begin with a block of the user's own, which every HDF5 reader skips. Ours says how
long the rest is and what its SHA-256 is, as text::

    Newt demonstrations, format 1
    bytes 123456
    sha256 9f86d081…

A file whose checksum holds is exactly what was written, so that the HDF5 library, which a damaged
file can crash, never sees one. Image features that are kept beside demonstrations have a
block of the same form, which says ``Newt image features``.
"""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

from newt_core.demos.schema import FORMAT_VERSION, SUFFIX
from newt_core.errors import DamagedDemoError, DemoError

BLOCK_BYTES = 512
"""The smallest user block that HDF5 allows."""

DEMONSTRATIONS = "demonstrations"
IMAGE_FEATURES = "image features"

MINARI_SUFFIX = ".hdf5"
"""How the name of a Minari dataset's file ends."""

_BLOCK = re.compile(
    rb"Newt (demonstrations|image features), format (\d+)\n"
    rb"bytes (\d+)\nsha256 ([0-9a-f]{64})\n *\n"
)
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def checksum_block(content: bytes, kind: str = DEMONSTRATIONS) -> bytes:
    """Return the block to put in front of HDF5 data of a kind."""
    return _block(kind, len(content), hashlib.sha256(content).hexdigest())


def stated_length(start: bytes) -> int | None:
    """Return how many bytes a file has that begins with ``start``; None if that says nothing."""
    found = _BLOCK.fullmatch(start[:BLOCK_BYTES])
    return BLOCK_BYTES + int(found[3]) if found else None


def is_demo_file(path: Path) -> bool:
    """Whether a file is one of Newt's demonstrations, or any HDF5 file, by name or content."""
    if path.suffix in (SUFFIX, MINARI_SUFFIX):
        return True
    try:
        with open(path, "rb") as file:
            start = file.read(BLOCK_BYTES)
    except OSError:
        return False
    return start.startswith((b"Newt demonstrations", _HDF5_SIGNATURE))


def check_checksum(path: Path, kind: str = DEMONSTRATIONS) -> None:
    """Return if a file is of a kind, whole and unchanged since it was written.

    Raises:
        DemoError: there is no such file, it cannot be read, it holds something else, or Newt did
            not write it.
        DamagedDemoError: it is cut short or changed.
    """
    try:
        with open(path, "rb") as file:
            _check(path, kind, file)
    except FileNotFoundError as error:
        raise DemoError(f"there is no demonstration file {path}.") from error
    except IsADirectoryError as error:
        raise DemoError(f"{path} is a folder: name a file in it, such as walker-run.h5.") from error
    except OSError as error:
        raise DemoError(f"cannot read {path}: {error.strerror or error}.") from error


def _check(path: Path, kind: str, file: io.BufferedReader) -> None:
    start = file.read(BLOCK_BYTES)
    if not start:
        raise DamagedDemoError(f"{path}: empty.")
    if start.startswith(_HDF5_SIGNATURE):
        raise DemoError(
            f"{path}: an HDF5 file, but not one that Newt wrote: it has no checksum in front. "
            "Record it again with 'newt collect-demos'."
        )
    found = _BLOCK.fullmatch(start)
    if found is None:
        magic = f"Newt {kind}, format ".encode()
        if len(start) < BLOCK_BYTES and start.startswith(magic[: len(start)]):
            raise DamagedDemoError(f"{path}: cut short after {len(start)} bytes.")
        raise DamagedDemoError(
            f"{path}: not a demonstration file of Newt, or its beginning is damaged."
        )
    if found[1].decode() != kind:
        raise DemoError(f"{path}: holds {found[1].decode()}, not {kind}.")
    version, length = int(found[2]), int(found[3])
    if version != FORMAT_VERSION:
        raise DemoError(
            f"{path}: has format version {version}, but this Newt reads version "
            f"{FORMAT_VERSION}. Use the Newt that wrote it."
        )
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    present = file.tell() - BLOCK_BYTES
    if present < length:
        raise DamagedDemoError(
            f"{path}: cut short: {present + BLOCK_BYTES:,} of {length + BLOCK_BYTES:,} bytes "
            f"are there."
        )
    if start != _block(kind, length, digest):
        raise DamagedDemoError(
            f"{path}: damaged, or changed by another program: its checksum does not match."
        )


def _block(kind: str, length: int, digest: str) -> bytes:
    text = f"Newt {kind}, format {FORMAT_VERSION}\nbytes {length}\nsha256 {digest}\n"
    return text.encode().ljust(BLOCK_BYTES - 1) + b"\n"
