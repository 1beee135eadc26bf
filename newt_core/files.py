"""Files that are whole or absent: atomic writes, checksums.

A file is written under a temporary name in its own folder, flushed to the disk and renamed.
Whoever reads the final name sees the old content or the new, whatever happens to the writer.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.errors import NewtError, in_short

TEMPORARY_SUFFIX = ".newt-tmp"
"""How the name of an unfinished file ends."""
CACHE_VARIABLE = "NEWT_CACHE"
"""Environment variable that names the folder for what can be fetched or computed again."""
_LOCK_SECONDS = 0.05
"""How long a lock is tried for: a try fails where its holder has just removed the file."""
_OLD_PYTORCH_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled number that files of PyTorch 1.5 and earlier begin with."""


class AlreadyLockedError(Exception):
    """Another process holds a lock."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"locked by {holder}")
        self.holder = holder
        """Such as ``process 1234``."""


def take_lock(path: Path) -> AbstractContextManager[object]:
    """Take a lock that one process at a time can have; to be used with ``with``.

    The operating system gives it back, too, when the process ends, however it ends. The holder
    may remove the file before giving it back.

    Args:
        path: the lock's file, made where it is missing; it says who has the lock.

    Raises:
        AlreadyLockedError: another process has it, or this one has it already.
        OSError: the file cannot be written, or the file system knows no locks.
    """
    from filelock import Timeout, UnixFileLock

    if not path.parent.is_dir():  # The library would make the folder.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    lock = UnixFileLock(
        path,
        timeout=_LOCK_SECONDS,
        poll_interval=_LOCK_SECONDS / 5,
        thread_local=False,
        # The other kind, for file systems without locks, would outlive a process that is killed.
        fallback_to_soft=False,
        on_acquired=_write_holder,
    )
    try:
        return lock.acquire()
    except Timeout:
        holder = ""
        with suppress(OSError):  # The holder may have removed it by now.
            holder = path.read_text(encoding="utf-8").strip()
        raise AlreadyLockedError(holder or "another process") from None


def _write_holder(file: int) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, f"process {os.getpid()}\n".encode(), 0)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give the body a temporary path to write; put the file at ``path`` when it succeeds.

    For writers that want a path of their own, such as ``torch.save``. When the body raises,
    the temporary file is removed and ``path`` stays as it was; see :func:`parent_made`.

    Raises:
        OSError: the folder cannot be made or written.
    """
    path = Path(path)
    # Hidden, so that no pattern such as *.pt finds an unfinished file.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    with parent_made(path):
        try:
            yield temporary
            _flush_file(temporary)
            os.replace(temporary, path)
        except OSError as error:
            # What a full disk refuses does not say which file that was.
            if error.errno is not None and error.filename in (None, str(temporary)):
                error.filename = str(path)
            raise
        finally:
            temporary.unlink(missing_ok=True)
    _flush_folder(path.parent)


@contextmanager
def parent_made(path: Path) -> Iterator[None]:
    """Make a file's missing parent folders for the body; where it raises, remove them if empty.

    Raises:
        OSError: they cannot be made.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:  # the innermost first
            with suppress(OSError):
                folder.rmdir()
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a binary file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically, line ends as given."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON atomically; see :func:`plain` for what may be in it."""
    write_text(path, json.dumps(plain(value), indent=2, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """Return ``value`` in JSON's own types.

    NumPy numbers and arrays become numbers and lists, tuples become lists, paths become texts,
    and NaN and infinities, which JSON does not have, become None.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def is_old_pytorch_file(path: Path) -> bool:
    """Whether a file is one that PyTorch 1.5 and earlier wrote: no archive, without checksums."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_OLD_PYTORCH_START)) == _OLD_PYTORCH_START
    except OSError:
        return False


def require_whole_archive(path: Path, kind: type[NewtError], what: str, otherwise: str) -> None:
    """Refuse what is no intact zip archive: PyTorch's reader of its files does not fully check.

    Args:
        path: the file.
        kind: what is raised, with a message that names the file.
        what: the file is expected to be.
        otherwise: what is said of one that is no archive; ``{reason}`` in it becomes the reason.
    """
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except FileNotFoundError as error:
        raise kind(f"there is no {what} {path}.") from error
    except OSError as error:
        raise kind(f"cannot read {path}: {in_short(error)}.") from error
    except Exception as error:  # The headers can hold anything, and make the reader fail anyhow.
        raise kind(f"{path}: {otherwise.format(reason=in_short(error))}") from error
    if damaged is not None:
        raise kind(f"{path}: damaged: the checksum of '{damaged}' does not match.")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder(name: str) -> Path:
    """Return the folder ``name`` for files that can be fetched or computed again.

    It lies in ``$NEWT_CACHE``, or else in ``newt`` under the user's cache folder
    (``$XDG_CACHE_HOME`` if that is absolute, or ``~/.cache``). It is not made here.
    """
    from platformdirs import user_cache_path

    chosen = os.environ.get(CACHE_VARIABLE)
    return (Path(chosen).expanduser() if chosen else user_cache_path("newt")) / name


def remove_unfinished(folder: Path, name: str = "*") -> int:
    """Remove what killed writers left in a folder and return how many files that were.

    Only for what no other process is writing: all files of the folder, or the one of a name.
    """
    pattern = name if name == "*" else f"{glob.escape(name)}.*"
    leftovers = list(Path(folder).glob(f".{pattern}{TEMPORARY_SUFFIX}"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def _flush_file(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems refuse this; the file's own content is safe by now.
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
