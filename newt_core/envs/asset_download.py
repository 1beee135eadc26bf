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
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.request import urlcleanup

from newt_core.envs.assets import DATA, Asset, assets_folder, find_asset, record
from newt_core.errors import DownloadError, MissingDependencyError
from newt_core.files import parent_made
from newt_core.web import DownloadProgress, download


def download_asset(
    name: str, root: Path | None = None, on_progress: DownloadProgress | None = None
) -> Path:
    """Fetch an asset, replacing what is there of it, and return its folder.

    Args:
        name: the asset.
        root: the folder of all assets; ``assets_folder()`` by default.
        on_progress: told how far it is.

    Raises:
        SpecError: there is no such asset.
        DownloadError: it cannot be fetched, or what came is not it. What was there stays.
        MissingDependencyError: ManiSkill is not installed.
        OSError: the folder cannot be written.
    """
    root = (root or assets_folder()).absolute()
    asset = find_asset(name)
    unpack, source = _library_source(name)
    with (
        parent_made(root / name),
        tempfile.TemporaryDirectory(prefix=".newt-download-", dir=root) as temporary,
    ):
        scratch = Path(temporary)
        packed = scratch / "packed.zip"
        _fetch(asset, source.url, packed, on_progress)
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


def _fetch(asset: Asset, url: str, target: Path, progress: DownloadProgress | None) -> None:
    """Copy what lies at a URL into a file."""
    try:
        download(url, target, progress=progress)
    except DownloadError as error:
        raise DownloadError(
            f"{error} Without a network, bring the folder '{DATA}/{asset.place}' from a machine "
            "that has it."
        ) from error


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
        from mani_skill.utils.download_asset import download as unpack
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"downloading assets needs the Python package '{error.name}', which is not installed."
        ) from error
    return unpack, DATA_SOURCES[name]
