"""One checkpoint file: plain data only, written whole or not at all, read without running code.

A ``.pt`` file that ``torch.load(..., weights_only=True)`` opens. What is inside is limited
further, to tensors, numbers, texts, lists and mappings, so that a checkpoint outlives the
classes of the program that wrote it.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from newt_core.arguments import shown
from newt_core.errors import CheckpointError, in_short
from newt_core.files import atomic_path, is_old_pytorch_file, require_whole_archive

FORMAT_VERSION = 1
"""Version of the checkpoint's layout; raised when older files can no longer be read."""
VERSION_KEY = "format_version"
"""Where the version stands in the file."""

_SCALARS = (bool, int, float, str, type(None))
_FOREIGN = (
    "holds objects other than tensors, numbers, texts, lists and mappings. "
    "Newt does not open it, because such a file can run code."
)


def save_checkpoint(path: Path, payload: Mapping[str, Any]) -> None:
    """Write ``payload`` and the format version to ``path``, atomically.

    Tuples become lists, and every kind of mapping a plain ``dict``. Of a tensor that views
    part of a larger one, only that part is written.

    Raises:
        CheckpointError: the payload holds something else than tensors, numbers, texts, lists
            and mappings, or the file cannot be written. A file already there is unharmed.
    """
    if VERSION_KEY in payload:
        raise CheckpointError(f"a checkpoint's '{VERSION_KEY}' is set on saving: leave it out.")
    content = {VERSION_KEY: FORMAT_VERSION, **_plain(payload, "payload")}
    try:
        # Into a file that Python has opened: PyTorch's own does not say that the disk is full.
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            torch.save(content, file)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"cannot write {path}: {in_short(error)}. Earlier checkpoints are unharmed."
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint that :func:`save_checkpoint` wrote; its tensors are put on the CPU.

    Returns:
        The payload; texts, numbers and mappings as they were saved.

    Raises:
        CheckpointError: there is no such file, it is damaged, holds foreign objects, is not a
            checkpoint of Newt or one of another format version.
    """
    return check_version(read_archive(path), path)


def check_version(content: Any, path: Path) -> dict[str, Any]:
    """Return the payload in what was read from a file.

    Raises:
        CheckpointError: it is not a checkpoint of Newt, or one of another format version.
    """
    if not isinstance(content, dict) or VERSION_KEY not in content:
        raise CheckpointError(
            f"{path}: not a checkpoint of Newt (it has no {VERSION_KEY}). "
            "'newt checkpoint import' reads the published ones."
        )
    version = content.pop(VERSION_KEY)
    if type(version) is not int or version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: has format version {shown(version)}, but this Newt reads version "
            f"{FORMAT_VERSION}. Use the Newt that wrote it."
        )
    return content


def read_archive(path: Path) -> Any:
    """Read a file of PyTorch's that holds plain data only, its tensors on the CPU.

    Nothing in it is run, and nothing is built that is not plain, whatever other libraries have
    told PyTorch to trust.

    Raises:
        CheckpointError: there is no such file, it is damaged, or holds foreign objects.
    """
    if path.is_dir():
        raise CheckpointError(
            f"{path} is a folder: name a checkpoint in it, such as last.pt in checkpoints/."
        )
    if is_old_pytorch_file(path):
        raise CheckpointError(
            f"{path}: a file in the format of PyTorch 1.5 and earlier, in which no checkpoint of "
            "Newt was ever written."
        )
    require_whole_archive(path, CheckpointError, "checkpoint", "not a checkpoint, or cut short.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path}: {_FOREIGN}") from error
    except Exception as error:  # A malformed file can make the reader fail in any way.
        raise CheckpointError(f"{path}: cannot be read as a checkpoint: {in_short(error)}.") from (
            error
        )
    _require_plain(content, path)
    return content


def _require_plain(content: Any, path: Path) -> None:
    """See that what was read is made of plain types, however deep."""
    seen: set[int] = set()
    left = [content]
    while left:
        value = left.pop()
        kind = type(value)
        if kind in (dict, OrderedDict, list, tuple):
            if id(value) not in seen:  # a list may hold itself
                seen.add(id(value))
                left += [*value, *value.values()] if isinstance(value, dict) else value
        elif kind in (Tensor, torch.nn.Parameter):
            if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
                raise CheckpointError(f"{path}: holds a tensor without plain numbers in it.")
        elif kind not in _SCALARS:
            name = f"{kind.__module__}.{kind.__qualname__}"
            raise CheckpointError(f"{path}: {_FOREIGN} ({name})")


def _plain(value: Any, where: str) -> Any:
    """Return ``value`` in plain types only; ``where`` names it in the error."""
    if type(value) in _SCALARS:
        return value
    if type(value) in (Tensor, torch.nn.Parameter):
        return _compact(value.detach())
    if isinstance(value, Mapping):
        wrong = [key for key in value if type(key) not in (str, int)]
        if wrong:
            raise CheckpointError(f"{where} has the key {wrong[0]!r}: use texts or whole numbers.")
        return {key: _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise CheckpointError(
        f"{where} is a {kind}: a checkpoint holds tensors, numbers, texts, lists and mappings."
    )


def _compact(tensor: Tensor) -> Tensor:
    """Copy a view of a larger storage, which would be written as a whole."""
    needed = math.prod(tensor.shape) * tensor.element_size()
    return tensor.clone() if tensor.untyped_storage().nbytes() > needed else tensor
