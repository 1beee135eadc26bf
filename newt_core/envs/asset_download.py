"""Fetching assets from where ManiSkill's downloader has them.

The library removes what is there, asks servers without a time limit, and leaves an empty folder
behind when it fails. Here an asset is fetched beside its place, unpacked by the library, looked
at, and moved to its place whole.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from http.client import HTTPException
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlcleanup, urlopen

from newt_core.envs.assets import DATA, assets_folder, find_asset, record
from newt_core.errors import DownloadError, MissingDependencyError

SILENCE_S = 30.0
"""Seconds without a word after which a server counts as unreachable."""
CHUNK = 1 << 20
"""Bytes read at a time."""

Progress = Callable[[int, int | None], None]
"""Is told the bytes that have come, and of how many if the server says."""


def download_asset(
    name: str, root: Path | None = None, on_progress: Progress | None = None
) -> Path:
    """Fetch an asset, replacing what is there of it, and return its folder.

    Args:
        name: the asset.
        root: the folder of all assets; ``assets_folder()`` by default.
        on_progress: see :data:`Progress`.

    Raises:
        SpecError: there is no such asset.
        DownloadError: it cannot be fetched, or what came is not it. What was there stays.
        MissingDependencyError: ManiSkill is not installed.
        OSError: the folder cannot be written.
    """
    root = (root or assets_folder()).absolute()
    asset = find_asset(name)
    unpack, source = _library_source(name)
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".newt-download-", dir=root) as temporary:
        scratch = Path(temporary)
        packed = scratch / "packed.zip"
        _fetch(name, source.url, packed, on_progress or (lambda done, total: None))
        _unpack(unpack, source, packed, scratch / DATA)
        missing = asset.missing(scratch)
        if missing:
            raise DownloadError(
                f"what came from {source.url} has no file '{missing[0].relative_to(scratch)}': "
                "nothing was changed."
            )
        place = asset.folder(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            os.replace(place, scratch / "old")
        os.replace(asset.folder(scratch), place)
    record(name, root)
    return place


def _fetch(name: str, url: str, target: Path, on_progress: Progress) -> None:
    """Copy what lies at a URL into a file."""
    try:
        with urlopen(url, timeout=SILENCE_S) as answer, open(target, "wb") as file:
            length = answer.headers.get("Content-Length")
            total = int(length) if length else None
            done = 0
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                on_progress(done, total)
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            f"cannot download '{name}' from {url}: {reason}. Connect this machine to the internet, "
            f"or copy the folder '{DATA}/{find_asset(name).place}' from one that has it."
        ) from error
    if total is not None and done < total:
        raise DownloadError(f"only {done:,} of {total:,} bytes came from {url}: try again.")


def _unpack(unpack: Callable[..., Any], source: Any, packed: Path, folder: Path) -> None:
    """Have the library check and unpack a file into its own layout."""
    local = dataclasses.replace(source, url=packed.as_uri(), output_dir=folder)
    try:
        with redirect_stdout(StringIO()):
            unpack(local, verbose=False, non_interactive=True)
    except (zipfile.BadZipFile, shutil.ReadError) as error:
        raise DownloadError(f"what came from {source.url} is damaged: {error}.") from error
    except OSError as error:
        if error.errno is not None:
            raise  # this machine's own trouble, such as a full disk
        # The library's word for another SHA-256 than the one it knows.
        raise DownloadError(f"what came from {source.url} is not what it was.") from error
    finally:
        urlcleanup()


def _library_source(name: str) -> tuple[Callable[..., Any], Any]:
    """Return ManiSkill's download function and its description of the asset."""
    try:
        from mani_skill.utils.assets import DATA_SOURCES
        from mani_skill.utils.download_asset import download
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"downloading assets needs the Python package '{error.name}', which is not installed."
        ) from error
    return download, DATA_SOURCES[name]
