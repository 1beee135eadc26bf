"""What is fetched or recorded beside Newt: weights, assets, demonstrations."""

from __future__ import annotations

from pathlib import Path

from newt_core.demos.folder import demo_files, summarise_file
from newt_core.doctor.check import Check
from newt_core.encoders.weights import WEIGHTS, find, offline, weight_file
from newt_core.encoders.weights import download as download_weights
from newt_core.envs.asset_download import download_asset
from newt_core.envs.assets import ASSETS, assets_folder
from newt_core.errors import DemoError, NewtError
from newt_core.specs import load_specs
from newt_core.web import DownloadProgress

WEIGHTS_PREFIX, ASSET_PREFIX = "weights ", "assets "
"""How the names of checks begin, before those of files."""


def check_weights(name: str) -> Check:
    """Look whether a file of weights is here, and as long as it should be."""
    item, path = weight_file(name), find(name)
    detail = str(path) if path else f"not here ({item.size / 1e6:,.0f} MB): {item.about}"
    remedy = None if path else f"newt weights download {name}"
    return Check(WEIGHTS_PREFIX + name, path is not None, detail, remedy, needed=False, item=name)


def check_assets(name: str) -> Check:
    """Look whether an asset's files are here."""
    asset, root = ASSETS[name], assets_folder()
    missing = asset.missing(root)
    where = asset.folder(root)
    detail = f"not here: {asset.title}, of some of ManiSkill's tasks" if missing else str(where)
    remedy = f"newt assets download {name}" if missing else None
    return Check(ASSET_PREFIX + name, not missing, detail, remedy, needed=False, item=name)


def check_downloads() -> list[Check]:
    """Look at all weights and assets."""
    return [*map(check_weights, WEIGHTS), *map(check_assets, ASSETS)]


def check_demonstrations(folder: Path) -> Check:
    """Look at the demonstrations in a folder: whether there are any, and each can be opened."""
    name = "demonstrations"
    library = load_specs()
    try:
        summaries = [summarise_file(path, library) for path in demo_files(folder)]
    except DemoError as error:
        there = folder.is_dir() and any(folder.iterdir())
        remedy = "newt demos validate" if there else "newt collect-demos --task pygame-cowboy"
        return Check(name, False, " ".join(str(error).split()), remedy, needed=False)
    episodes = sum(len(each.episodes) for each in summaries)
    tasks = len({each.header.task for each in summaries})
    shown = "1 task" if tasks == 1 else f"{tasks} tasks"
    detail = f"{episodes:,} episodes of {shown} in {folder.absolute()}"
    return Check(name, True, detail, needed=False)


def look_again(check: Check) -> Check:
    """Look at a check's weights or assets once more."""
    assert check.item is not None
    of_weights = check.name.startswith(WEIGHTS_PREFIX)
    return check_weights(check.item) if of_weights else check_assets(check.item)


def mend(check: Check, progress: DownloadProgress | None = None) -> str:
    """Fetch what a check of weights or assets missed; return what was done, or why not.

    Nothing else is touched: what a package manager or a shell has to do is left to the remedy.
    """
    name = check.item
    assert name is not None
    if offline():
        return f"{name}: not fetched, HF_HUB_OFFLINE forbids the network"
    try:
        if check.name.startswith(WEIGHTS_PREFIX):
            path = download_weights(name, progress)
        else:
            path = download_asset(name, None, progress)
    except (NewtError, OSError) as error:
        return f"{name}: not fetched, {' '.join(str(error).split())}"
    return f"{name}: fetched to {path}"
