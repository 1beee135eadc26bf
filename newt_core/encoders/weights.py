"""Weights of the frozen encoders: which files there are, where they lie, how they are read.

For an encoder it takes two calls::

    path = locate("clip-vit-b-32")                  # or the file that the user named
    tensors = load_tensors(path)                    # plain tensors under their names

A file is looked for in Newt's own folder, then where open_clip, timm and PyTorch's hub keep the
same file. Only safetensors and ``torch.load(..., weights_only=True)`` are used to read one, so
that no file can run code.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newt_core.errors import DownloadError, WeightsError, did_you_mean, in_short
from newt_core.files import cache_folder, sha256
from newt_core.web import DownloadProgress, reachable
from newt_core.web import download as download_file

if TYPE_CHECKING:
    from torch import Tensor

HUB = "https://huggingface.co"
"""Where Hugging Face's files are, unless ``$HF_ENDPOINT`` names a mirror."""
REACH_SECONDS = 3.0
"""How long a server may take to answer before it counts as out of reach."""
TRIAL_SECONDS = 3.0
"""After how long a download's speed is judged, where there is a limit to its duration."""


@dataclass(frozen=True)
class WeightFile:
    """One file of published weights."""

    name: str
    """What users call it."""
    file: str
    """The file's name at its publisher."""
    source: str
    """Its URL; see :attr:`url`."""
    sha256: str
    """Of the content, in hexadecimal."""
    size: int
    """Of the content, in bytes."""
    about: str
    """What it is, for the listing."""
    hub: tuple[str, str] | None = None
    """Repository and revision, if Hugging Face publishes it."""

    @property
    def url(self) -> str:
        """Where to fetch it: at its publisher, or at the mirror in ``$HF_ENDPOINT``."""
        mirror = os.environ.get("HF_ENDPOINT", "").rstrip("/")
        if self.hub is not None and mirror:
            return self.source.replace(HUB, mirror, 1)
        return self.source

    @property
    def home(self) -> Path:
        """Where Newt keeps it, and where a user puts it on a machine without a network."""
        return cache_folder("weights") / self.name / self.file


_CLIP_REPOSITORY = "timm/vit_base_patch32_clip_224.openai"
_CLIP_REVISION = "a6f597a30f7b82c51704746581f9a4e41421e878"

WEIGHTS: dict[str, WeightFile] = {
    item.name: item
    for item in (
        WeightFile(
            name="clip-vit-b-32",
            file="open_clip_model.safetensors",
            source=f"{HUB}/{_CLIP_REPOSITORY}/resolve/{_CLIP_REVISION}/open_clip_model.safetensors",
            sha256="e6d1bd7789aa45192b3bf90570a789b478bae1b74ebcce7eddd908e83a2b7c31",
            size=605_143_284,
            about="CLIP ViT-B/32 of OpenAI, in open_clip's layout: text encoder 'clip'",
            hub=(_CLIP_REPOSITORY, _CLIP_REVISION),
        ),
        WeightFile(
            name="dinov2-vit-b-14",
            file="dinov2_vitb14_pretrain.pth",
            source="https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/dinov2_vitb14_pretrain.pth",
            sha256="0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
            size=346_378_731,
            about="DINOv2 ViT-B/14 of Meta, without registers: image encoder 'dinov2'",
        ),
    )
}
"""Every file that Newt knows, by name. Sizes and checksums are those of the publishers."""


def weight_file(name: str) -> WeightFile:
    """Return what is known of a weight file.

    Raises:
        WeightsError: There is none of this name.
    """
    if name not in WEIGHTS:
        raise WeightsError(
            f"'{name}' is not a weight file.{did_you_mean(name, WEIGHTS)} "
            f"There are {', '.join(WEIGHTS)}."
        )
    return WEIGHTS[name]


def find(name: str) -> Path | None:
    """Return where a weight file lies on this machine, None if nowhere; it is not verified."""
    item = weight_file(name)
    return next((path for path in _places(item) if path.is_file()), None)


def locate(name: str, override: Path | str | None = None) -> Path:
    """Return the path of a weight file, or of the file that the user names instead.

    Args:
        name: A key of :data:`WEIGHTS`.
        override: The user's own file, of any content; it wins.

    Raises:
        WeightsError: It is not on this machine, or cut short; the message says what to bring.
    """
    item = weight_file(name)
    if override is not None:
        path = Path(override).expanduser()
        if not path.is_file():
            raise WeightsError(f"there is no weight file {path}.")
        return path
    found = find(name)
    if found is None:
        raise WeightsError(f"the weights '{name}' are not on this machine. {remedy(item)}")
    if found.stat().st_size != item.size:
        raise WeightsError(
            f"{found}: {found.stat().st_size:,} bytes instead of {item.size:,}: cut short, or "
            f"another file. Delete it; then: newt weights download {name}"
        )
    return found


def verify(name: str, path: Path) -> None:
    """See that a file is the published one; reads it once, a second or two.

    Raises:
        WeightsError: Its checksum is another.
    """
    found, meant = sha256(path), weight_file(name).sha256
    if found != meant:
        raise WeightsError(
            f"{path}: damaged, or another file than '{name}': its checksum is {found[:12]}…, not "
            f"{meant[:12]}…. Delete it; then: newt weights download {name}"
        )


def remedy(item: WeightFile) -> str:
    """Return the sentence that says how to get a file, with a network and without."""
    size = f"{item.size / 1e6:,.0f} MB"
    return (
        f"Fetch them with: newt weights download {item.name}\n"
        f"Without a network, bring {item.file} ({size}) from {item.source} to {item.home}"
    )


def download(name: str, progress: DownloadProgress | None = None) -> Path:
    """Fetch a weight file into Newt's folder, verified; return its path.

    Raises:
        DownloadError: It cannot be fetched; the message says what to bring instead.
    """
    item = weight_file(name)
    try:
        if offline():
            raise DownloadError("HF_HUB_OFFLINE is set: nothing is fetched.")
        download_file(item.url, item.home, sha256=item.sha256, progress=progress)
    except DownloadError as error:
        raise DownloadError(
            f"{error}\nBring {item.file} ({item.size / 1e6:,.0f} MB) from {item.source} to "
            f"{item.home}"
        ) from error
    return item.home


def download_quickly(name: str, seconds: float) -> Path | None:
    """Fetch a weight file if that takes no more than about ``seconds``; None if it would.

    Gives up after :data:`REACH_SECONDS` if the server does not answer, and after
    :data:`TRIAL_SECONDS` more if the speed so far is too low.
    """
    item = weight_file(name)
    if offline() or not reachable(item.url, REACH_SECONDS):
        return None
    begin = time.monotonic()

    def watch(came: int, total: int | None) -> None:
        passed = time.monotonic() - begin
        if passed > TRIAL_SECONDS and passed * (total or item.size) / came > seconds:
            raise DownloadError(f"{item.url}: too slow.")

    try:
        download_file(
            item.url, item.home, sha256=item.sha256, progress=watch, timeout=REACH_SECONDS
        )
    except DownloadError:
        return None
    return item.home


def offline() -> bool:
    """Return whether the user asked for no network, by Hugging Face's ``HF_HUB_OFFLINE``."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def load_tensors(path: Path, keep: Callable[[str], bool] | None = None) -> dict[str, Tensor]:
    """Read a weight file's tensors, on the CPU and in their own precision.

    Args:
        path: A ``.safetensors`` file, or one that ``torch.load(weights_only=True)`` opens.
        keep: Chooses tensors by name; by default all.

    Raises:
        WeightsError: The file is missing, damaged, or holds something else than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"there is no weight file {path}.")
    read = _read_safetensors if path.suffix == ".safetensors" else _read_torch
    tensors = read(path, keep or (lambda name: True))
    if not tensors:
        raise WeightsError(f"{path}: holds none of the tensors that are needed.")
    return tensors


def _read_safetensors(path: Path, keep: Callable[[str], bool]) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys() if keep(name)}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path}: damaged, or not a safetensors file ({in_short(error)})."
        ) from error


def _read_torch(path: Path, keep: Callable[[str], bool]) -> dict[str, Tensor]:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's long explanation of TorchScript archives
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # A malformed file can make the reader fail in any way.
        # TorchScript archives, which OpenAI publishes CLIP as, end here, too: they hold code.
        raise WeightsError(
            f"{path}: damaged, or holds more than tensors. Newt opens no file that could run code."
        ) from error
    # Training programs wrap the tensors in a mapping of their own.
    for wrapper in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: holds no tensors under names.")
    return {
        str(name): tensor
        for name, tensor in content.items()
        if isinstance(tensor, torch.Tensor) and keep(str(name))
    }


def _places(item: WeightFile) -> Iterator[Path]:
    """Yield where a file may lie, Newt's own folder first."""
    yield item.home
    if item.hub is not None:
        from huggingface_hub import try_to_load_from_cache

        repository, revision = item.hub
        cached = try_to_load_from_cache(repository, item.file, revision=revision)
        if isinstance(cached, str):
            yield Path(cached)
    from platformdirs import user_cache_path

    torch_home = os.environ.get("TORCH_HOME")
    folder = Path(torch_home) if torch_home else user_cache_path("torch")
    yield folder / "hub" / "checkpoints" / item.file
