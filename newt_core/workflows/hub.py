"""The authors' published sets on the model hub: what there is, and fetching it piece by piece.

A file is fetched into Newt's cache, goes on where an interrupted download stopped, and is taken as
whole only when its size and, where the hub says it, its checksum are right. Who has no network
brings a file there by hand.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from newt_core.encoders.weights import HUB, REACH_SECONDS, offline
from newt_core.errors import DownloadError, did_you_mean, in_short
from newt_core.files import (
    AlreadyLockedError,
    cache_folder,
    sha256,
    take_lock,
)
from newt_core.web import DownloadProgress, reachable

SUFFIX = ".pt"
"""How the names of the sets' files end."""


@dataclass(frozen=True)
class HubSet:
    """A published repository."""

    repository: str
    kind: str
    """``model`` or ``dataset``, as the hub calls it."""
    command: str
    """What fetches from it."""

    @property
    def home(self) -> Path:
        """Where its files are kept, and where a user brings them."""
        return cache_folder("published") / self.repository.rpartition("/")[2]

    @property
    def page(self) -> str:
        """Where a person finds its files."""
        kind = "" if self.kind == "model" else f"{self.kind}s/"
        return f"{_endpoint()}/{kind}{self.repository}/tree/main"


MODELS = HubSet("nicklashansen/newt", "model", "newt checkpoint download")
DEMONSTRATIONS = HubSet("nicklashansen/mmbench", "dataset", "newt demos download")


@dataclass(frozen=True)
class HubFile:
    """One file of a set."""

    source: HubSet
    path: str
    """In the repository."""
    size: int
    """In bytes."""
    sha256: str | None = None
    """Of its content, where the hub says it."""

    @property
    def name(self) -> str:
        """What users call it."""
        return self.path.removesuffix(SUFFIX)

    @property
    def home(self) -> Path:
        """Where it is kept."""
        return self.source.home / self.path

    @property
    def present(self) -> bool:
        """Whether it is on this machine."""
        return self.home.is_file()


def published_files(source: HubSet, wanted: str | None = None) -> list[HubFile]:
    """Ask the hub for the files of a set.

    Args:
        source: The set.
        wanted: The file that they are asked for, for the message of what to bring; None where
            they are only looked at.

    Raises:
        DownloadError: The hub cannot be asked; the message says what to bring where instead.
    """
    from huggingface_hub import HfApi, RepoFile

    bring = None if wanted is None else wanted.removesuffix(SUFFIX) + SUFFIX
    _require_network(source, bring)
    try:
        listed = HfApi(endpoint=_endpoint(), token=False).list_repo_tree(
            source.repository, recursive=True, repo_type=source.kind
        )
        return [
            HubFile(source, each.path, each.size, each.lfs.sha256 if each.lfs else None)
            for each in listed
            if isinstance(each, RepoFile) and each.path.endswith(SUFFIX)
        ]
    except Exception as error:  # the hub's library fails in ways of its own and of its parts'
        raise _cannot(source, bring, in_short(error)) from error


def brought_files(source: HubSet) -> list[HubFile]:
    """Return the files of a set that are on this machine."""
    found = sorted(source.home.rglob(f"*{SUFFIX}"))
    return [
        HubFile(source, path.relative_to(source.home).as_posix(), path.stat().st_size)
        for path in found
        if path.is_file() and not path.name.startswith(".")
    ]


def find_file(files: Sequence[HubFile], name: str) -> HubFile | None:
    """Return the file of a name: its path, or its last part, with or without the ending.

    Raises:
        DownloadError: There are several.
    """
    short = name.removesuffix(SUFFIX)
    exact = [file for file in files if file.name == short]
    found = exact or [file for file in files if Path(file.name).name == short]
    if len(found) > 1:
        raise DownloadError(
            f"'{name}' is {len(found)} files: name one, {', '.join(file.name for file in found)}."
        )
    return found[0] if found else None


def require_file(files: Sequence[HubFile], name: str, source: HubSet) -> HubFile:
    """Return the file of a name.

    Raises:
        DownloadError: There is none, or there are several.
    """
    found = find_file(files, name)
    if found is None:
        raise DownloadError(
            f"{source.repository} has no file '{name}'."
            f"{did_you_mean(name, [file.name for file in files])} 'newt checkpoint list' shows "
            "all of them."
        )
    return found


def fetch(file: HubFile, progress: DownloadProgress | None = None) -> Path:
    """Fetch a file, going on where an earlier try stopped, and return where it is.

    Args:
        file: As the hub lists it.
        progress: Told how far it is; what it raises ends the download, which can go on later.

    Raises:
        DownloadError: It cannot be fetched, or what came is not it; the message says what to bring.
    """
    if file.present:
        return file.home
    _require_network(file.source, file.path)
    file.home.parent.mkdir(parents=True, exist_ok=True)
    part = file.home.with_name(f".{file.home.name}.{(file.sha256 or str(file.size))[:12]}.part")
    lock = part.with_suffix(".lock")
    try:
        with take_lock(lock):
            _go_on(file, part, progress)
            lock.unlink(missing_ok=True)
    except AlreadyLockedError as error:
        raise DownloadError(f"{file.home} is just being fetched by {error.holder}.") from error
    return file.home


def _go_on(file: HubFile, part: Path, progress: DownloadProgress | None) -> None:
    """Fetch what is missing of a file, and put it into its place."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get

    source = file.source
    url = hf_hub_url(source.repository, file.path, repo_type=source.kind, endpoint=_endpoint())
    try:
        with open(part, "ab") as out:
            bar: Any = partial(_Bar, progress)
            http_get(url, out, resume_size=out.tell(), expected_size=file.size, tqdm_class=bar)
            out.flush()
            os.fsync(out.fileno())
    except DownloadError:
        raise
    except Exception as error:  # the hub's library fails in ways of its own and of its parts'
        raise _cannot(source, file.path, in_short(error)) from error
    if part.stat().st_size != file.size or file.sha256 not in (None, sha256(part)):
        part.unlink()
        raise _cannot(source, file.path, "what came is not the file that is listed")
    os.replace(part, file.home)


class _Bar:
    """What the hub's library takes for a progress bar: passes on what it is told."""

    def __init__(
        self, progress: DownloadProgress | None, *, total: int | None, initial: int, **others: Any
    ) -> None:
        self._progress = progress
        self._total = total
        self._came = initial

    def update(self, count: int) -> None:
        """Take note of so many bytes more."""
        self._came += count
        if self._progress is not None:
            self._progress(self._came, self._total)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def _endpoint() -> str:
    """Return where the hub is: Hugging Face's, or the mirror that ``$HF_ENDPOINT`` names."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or HUB


def _require_network(source: HubSet, path: str | None) -> None:
    """Find out quickly whether the hub answers: its library would try for a minute."""
    if offline():
        raise _cannot(source, path, "HF_HUB_OFFLINE is set")
    if not reachable(_endpoint(), REACH_SECONDS, any_answer=True):
        raise _cannot(source, path, f"{_endpoint()} does not answer")


def _cannot(source: HubSet, path: str | None, reason: str) -> DownloadError:
    if path is None:
        return DownloadError(
            f"cannot ask {source.repository} what it has ({reason}): look at {source.page}, and "
            f"bring files from there to {source.home}."
        )
    return DownloadError(
        f"cannot fetch {path} ({reason}): bring it from {source.page} to {source.home / path}, and "
        f"give '{source.command}' again."
    )
