"""What ranks tell each other, as bytes: plain values and tensors, read without running code.

The values are JSON in which a tensor is a number, under which safetensors holds it. Nothing that
comes over a socket is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

_TREE = "tree"
_TENSOR = "\0tensor"
"""The key of a mapping that stands for a tensor; no state uses it."""


def pack(value: Any) -> bytes:
    """Return a value as bytes.

    Args:
        value: None, numbers, texts, tensors, and lists and mappings by text of these.

    Raises:
        TypeError: There is something else in it.
    """
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_without(value, tensors)).encode()
    tensors[_TREE] = torch.frombuffer(bytearray(tree), dtype=torch.uint8)
    return save(tensors)


def unpack(data: bytes) -> Any:
    """Undo :func:`pack`; tuples have become lists."""
    tensors = load(data)
    tree = json.loads(tensors[_TREE].numpy().tobytes())
    return _within(tree, tensors)


def _without(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = str(len(tensors))
        # A copy: safetensors refuses tensors that share memory.
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: name}
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise TypeError(f"the key {wrong[0]!r} is no text")
        return {key: _without(item, tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without(item, tensors) for item in value]
    return value


def _within(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_TENSOR}:
            return tensors[value[_TENSOR]]
        return {key: _within(item, tensors) for key, item in value.items()}
    if isinstance(value, list):
        return [_within(item, tensors) for item in value]
    return value
