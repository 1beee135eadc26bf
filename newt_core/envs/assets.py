"""Downloaded files that some tasks need: where they are, whether they are whole, how to get them.

All lie in one folder. It is :data:`FOLDER_VARIABLE`'s or, without that, where ManiSkill has them:
:data:`LIBRARY_VARIABLE`'s, or ``~/.maniskill``. Below it the layout is ManiSkill's, so that files
fetched with its own downloader are found.

A failed download leaves an empty folder behind, so an asset counts as present only if every file
that it is made of is there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from newt_core.errors import MissingAssetError, SpecError, did_you_mean, some_of
from newt_core.files import sha256, write_json
from newt_core.specs.schema import TaskSpec

FOLDER_VARIABLE = "NEWT_ASSETS"
"""Environment variable that names the folder of all assets."""
LIBRARY_VARIABLE = "MS_ASSET_DIR"
"""ManiSkill's own variable for it."""
DEFAULT_FOLDER = "~/.maniskill"
"""ManiSkill's own place for it."""
RECORDS = "newt-assets.json"
"""File in the folder that holds what was downloaded: asset → ``{"bytes", "sha256"}``."""
DATA = "data"
"""Where ManiSkill looks for files, below the folder."""

Parts = Callable[[Path], Iterator[Path]]
"""From an asset's folder to the files it is made of, as far as what is there tells."""


def _ycb_parts(folder: Path) -> Iterator[Path]:
    """The list of objects, and for each of them its shape for contacts and for pictures."""
    listing = folder / "info_pick_v0.json"
    yield listing
    for model in _ycb_models(listing):
        yield from _model_parts(folder, model)


def _ycb_models(listing: Path) -> list[str]:
    try:
        return list(json.loads(listing.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def _model_parts(folder: Path, model: str) -> Iterator[Path]:
    for name in ("collision.ply", "textured.obj"):
        yield folder / "models" / model / name


def _robot_parts(name: str) -> Parts:
    """A robot's URDF file, and the meshes that it names."""

    def parts(folder: Path) -> Iterator[Path]:
        robot = folder / name
        yield robot
        try:
            root = ElementTree.parse(robot).getroot()
        except (OSError, ElementTree.ParseError):
            return
        for mesh in root.iter("mesh"):
            file = mesh.get("filename", "")
            # "package://" names folders of other systems, which the simulator looks for upwards.
            if file and "://" not in file:
                yield robot.parent / file

    return parts


@dataclass(frozen=True)
class Asset:
    """A set of files that is downloaded as one."""

    name: str
    """ManiSkill's id of it."""
    title: str
    place: str
    """Its folder below :data:`DATA`."""
    parts: Parts

    def folder(self, root: Path) -> Path:
        """Return the asset's folder below the folder of all assets."""
        return root / DATA / self.place

    def missing(self, root: Path) -> list[Path]:
        """Return the files that the asset lacks; empty for a whole one."""
        parts = dict.fromkeys(self.parts(self.folder(root)))  # a mesh may be named twice
        return [part for part in parts if not part.is_file()]


ASSETS: Mapping[str, Asset] = MappingProxyType(
    {
        asset.name: asset
        for asset in (
            Asset("ycb", "objects of the YCB set", "assets/mani_skill2_ycb", _ycb_parts),
            Asset("xarm6", "the xArm6 arm", "robots/xarm6", _robot_parts("xarm6_robotiq.urdf")),
            Asset(
                "anymal_c",
                "the ANYmal C robot",
                "robots/anymal_c",
                _robot_parts("urdf/anymal.urdf"),
            ),
        )
    }
)
"""Every asset under its name."""


def assets_folder() -> Path:
    """Return the folder of all assets, which need not exist."""
    named = os.environ.get(FOLDER_VARIABLE) or os.environ.get(LIBRARY_VARIABLE) or DEFAULT_FOLDER
    return Path(named).expanduser().absolute()


def find_asset(name: str) -> Asset:
    """Return an asset.

    Raises:
        SpecError: there is none of this name.
    """
    if name not in ASSETS:
        raise SpecError(
            f"there is no asset '{name}'.{did_you_mean(name, ASSETS)} Known: {', '.join(ASSETS)}."
        )
    return ASSETS[name]


def require_assets(spec: TaskSpec) -> None:
    """Return if everything that a task has to find is there.

    Raises:
        MissingAssetError: something is missing; the message names the command that gets it.
        SpecError: the task names an asset that does not exist.
    """
    lack = missing_assets(spec)
    if lack is not None:
        raise MissingAssetError(lack)


def missing_assets(spec: TaskSpec, root: Path | None = None) -> str | None:
    """Return what a task lacks and how to get it, in one line; None if nothing is missing.

    Args:
        spec: the task.
        root: the folder of all assets; :func:`assets_folder` by default.

    Raises:
        SpecError: the task names an asset that does not exist.
    """
    root = root or assets_folder()
    for name in spec.assets:
        asset = find_asset(name)
        missing = asset.missing(root)
        if not missing and name == "ycb" and (model := spec.env.get("model")) is not None:
            missing = _missing_model(asset.folder(root), str(model))
        if missing:
            return (
                f"the asset '{name}' ({asset.title}) is not in {root} (no file "
                f"{missing[0].relative_to(root)}). Get it with: newt assets download {name}"
            )
    return None


def _missing_model(folder: Path, model: str) -> list[Path]:
    """Return what one object of the YCB set lacks: its own files if it is not listed."""
    if model in _ycb_models(folder / "info_pick_v0.json"):
        return []
    return list(_model_parts(folder, model))


@dataclass(frozen=True)
class AssetStatus:
    """What is known of an asset on this machine."""

    name: str
    title: str
    present: bool
    path: Path
    bytes: int
    """Of all files in the asset's folder; 0 without them."""
    sha256: str | None
    """Of the names and contents of all files in the asset's folder; None without them."""
    problem: str | None
    """Why it is not as it should be, or None."""


def asset_status(name: str, root: Path | None = None) -> AssetStatus:
    """Look at an asset: read all of its files.

    Raises:
        SpecError: there is none of this name.
        OSError: a file cannot be read.
    """
    root = root or assets_folder()
    asset = find_asset(name)
    folder = asset.folder(root)
    missing = asset.missing(root)
    size, digest = folder_digest(folder)
    recorded = _records(root).get(name, {}).get("sha256", digest)
    problem = None
    if missing:
        problem = f"{some_of(missing, 1)} missing" if size else "not downloaded"
    elif recorded != digest:
        problem = "its files are not those that were downloaded"
    return AssetStatus(name, asset.title, not missing, folder, size, digest, problem)


def folder_digest(folder: Path) -> tuple[int, str | None]:
    """Return the bytes of all files in a folder, and one SHA-256 of their names and contents.

    The digest is that of lines ``<SHA-256 of a file>  <its path in the folder>``, sorted by path;
    None where there are no files.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n".encode())
    size = sum(path.stat().st_size for path in files)
    return size, whole.hexdigest() if files else None


def record(name: str, root: Path) -> None:
    """Note what an asset that was just downloaded looks like, to notice damage later."""
    size, digest = folder_digest(find_asset(name).folder(root))
    records = {**_records(root), name: {"bytes": size, "sha256": digest}}
    write_json(root / RECORDS, records)


def _records(root: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads((root / RECORDS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
