"""Adding episodes to a task's file: one writer at a time, the old content or the new.

A file is put together in memory and then written under a temporary name, flushed and renamed:
a full disk or a kill at any moment leaves the old file whole, and the HDF5 library never meets
a disk that refuses. In memory the arrays are as compressed as in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from newt_core.demos.checksum import BLOCK_BYTES, DEMONSTRATIONS, check_checksum, checksum_block
from newt_core.demos.problems import episode_problems, header_problems
from newt_core.demos.schema import (
    ARRAYS,
    DIGEST,
    ENCODER,
    FEATURES,
    RGB,
    DemoEpisode,
    FileHeader,
    group_digest,
    group_name,
    library_versions,
    new_header,
    now,
)
from newt_core.errors import DemoError, os_reason
from newt_core.files import (
    AlreadyLockedError,
    atomic_path,
    parent_made,
    remove_unfinished,
    take_lock,
)
from newt_core.specs.schema import TaskSpec

COMPRESSION = 4
"""Of gzip, 0 to 9."""
_INDEX_BYTES = 3072
"""Room for an episode's names, shapes and attributes: a little more than they take."""
_HDF5_VERSIONS = ("v110", "v110")
"""HDF5 1.10's layout: compact, and its inner tables carry checksums of their own."""


class DemoWriter:
    """Adds to one task's file, while :func:`writing` keeps others from it.

    Args:
        path: the file; it may be missing.
        spec: the task.
        expert: who acts in the new episodes.
    """

    def __init__(self, path: Path, spec: TaskSpec, expert: str) -> None:
        self.path = path
        self.spec = spec
        self.expert = expert
        self.header = new_header(spec, expert)
        """Of the file as it is now."""
        if path.exists():
            check_checksum(path)
            with h5py.File(path, "r", locking=False) as file:
                self.header = FileHeader.from_attributes(file.attrs)
            # Stricter than for reading: a file states one spec, which is that of all its episodes.
            for problem in header_problems(self.header, spec):
                raise DemoError(f"{path} {problem}. Write to another folder.")

    @property
    def attempts(self) -> int:
        """Episodes collected so far, kept or not."""
        return self.header.total_episodes + self.header.rejected

    def add(self, episodes: Sequence[DemoEpisode], *, rejected: int = 0) -> FileHeader:
        """Append episodes; the file is the old one or has all of them.

        Args:
            episodes: what to add.
            rejected: how many more were collected and not good enough, for the record.

        Returns:
            The file's new header.

        Raises:
            DemoError: an episode is not of this task, or the disk refuses. The file is unharmed.
        """
        for number, episode in enumerate(episodes):
            for problem in episode_problems(episode, self.spec):
                raise DemoError(f"{self.path}: new episode {number} is not stored: {problem}.")
        header = replace(
            self.header,
            expert=_joined(self.header.expert, self.expert),
            libraries=library_versions(),
            created=now(),
            rejected=self.header.rejected + rejected,
            total_episodes=self.header.total_episodes + len(episodes),
            total_steps=self.header.total_steps + sum(len(e.rewards) for e in episodes),
        )
        old = self.path if self.path.exists() else None
        try:
            write_file(self.path, file_content(header, episodes, old))
        except OSError as error:
            raise _refused(self.path, error) from error
        self.header = header
        return header


@contextmanager
def writing(
    path: Path, spec: TaskSpec, expert: str, *, append: bool = False
) -> Iterator[DemoWriter]:
    """Be the one process that may write a task's file, for as long as the block lasts.

    Args:
        path: the file.
        spec: the task.
        expert: who acts in the new episodes.
        append: whether the file may exist already.

    Raises:
        DemoError: another process is writing it, it exists and ``append`` is not set, what is
            there is damaged or of another task, or its folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(parent_made(path))
            stack.enter_context(_locked(path))
            remove_unfinished(path.parent, path.name)
        except OSError as error:
            raise _refused(path, error) from error
        require_room(path, append=append)
        yield DemoWriter(path, spec, expert)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep others from a file; the lock leaves nothing behind."""
    lock_path = path.with_name(f".{path.name}.lock")
    try:
        lock = take_lock(lock_path)
    except AlreadyLockedError as error:
        raise DemoError(
            f"{path} is being written by {error.holder}. Wait for it, or write to another folder."
        ) from error
    with lock:
        try:
            yield
        finally:
            lock_path.unlink(missing_ok=True)


def require_room(path: Path, *, append: bool) -> None:
    """Return if a task's file may be written: it is missing, or may be added to.

    Raises:
        DemoError: it exists already.
    """
    if path.exists() and not append:
        raise DemoError(
            f"{path} exists already. Add to it with --append, or name another folder with --out."
        )


def write_file(path: Path, content: bytes, kind: str = DEMONSTRATIONS) -> None:
    """Write a file with HDF5 content and its checksum, atomically.

    Raises:
        OSError: the disk refuses; a file already there is unharmed.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(checksum_block(content, kind))
        file.write(content)


def file_content(
    header: FileHeader, episodes: Sequence[DemoEpisode], old: Path | None = None
) -> bytes:
    """Return the HDF5 part of a file: the episodes of an old one, and new ones after them."""
    # Names, shapes and checksums in front, in one piece: where a file is cut short, the
    # episodes before the cut can still be found.
    index_bytes = _INDEX_BYTES * (1 + header.total_episodes)
    file = h5py.File(
        "in memory",
        "w",
        driver="core",
        backing_store=False,
        libver=_HDF5_VERSIONS,
        userblock_size=BLOCK_BYTES,
        meta_block_size=index_bytes,
    )
    with file:
        file.attrs.update(header.to_attributes())
        first = header.total_episodes - len(episodes)
        if old is not None:
            with h5py.File(old, "r", locking=False) as before:
                for number in range(first):
                    before.copy(group_name(number), file)
        for number, episode in enumerate(episodes, start=first):
            _write_episode(file.create_group(group_name(number)), number, episode, header)
        file.flush()
        image: bytes = file.id.get_file_image()  # It begins after the user block.
        return image


def _write_episode(group: Any, number: int, episode: DemoEpisode, header: FileHeader) -> None:
    for field, (name, _, _) in ARRAYS.items():
        _write_array(group, name, getattr(episode, field))
    if episode.features is not None:
        _write_array(group, FEATURES, episode.features).attrs[ENCODER] = episode.encoder
    if episode.rgb is not None:
        pictures = episode.rgb()
        _write_array(group, RGB, pictures, chunks=(1, *pictures.shape[1:]))
    info = replace(episode.info, id=number)
    group.attrs.update(info.to_attributes())
    group.attrs[DIGEST] = group_digest(group, header)


def _write_array(
    group: Any, name: str, data: NDArray[Any], chunks: tuple[int, ...] | None = None
) -> Any:
    return group.create_dataset(
        name,
        data=data,
        chunks=chunks or data.shape,
        compression="gzip",
        compression_opts=COMPRESSION,
        shuffle=data.dtype.itemsize > 1,
        # HDF5's own check, so that other programs, too, notice damaged numbers.
        fletcher32=True,
    )


def _joined(before: str, expert: str) -> str:
    """Return the experts of a file and the one of what is added, each once."""
    names = [*before.split(", "), expert]
    return ", ".join(dict.fromkeys(names))


def _refused(path: Path, error: OSError) -> DemoError:
    unharmed = " What was there is unharmed." if path.exists() else ""
    return DemoError(f"cannot write {path}: {os_reason(error)}.{unharmed}")
