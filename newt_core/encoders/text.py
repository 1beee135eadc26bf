"""Text encoders: what one is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from newt_core.encoders.text_hashed import HashedEncoder
from newt_core.errors import ConfigError, did_you_mean
from newt_core.types import TEXT_DIM, FloatArray


@runtime_checkable
class TextEncoder(Protocol):
    """Turns task texts into vectors; its weights, where it has any, never change."""

    @property
    def name(self) -> str:
        """What checkpoints record: equal names give equal vectors."""
        ...

    @property
    def dim(self) -> int:
        """Entries of each vector."""
        ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return [n, dim], a row for each of n texts; rows do not depend on each other."""
        ...


class ZeroEncoder:
    """Says nothing about any text: the ablation without language."""

    name = "zero"
    dim = TEXT_DIM

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return [n, 512] zeros."""
        return np.zeros((len(texts), self.dim), dtype=np.float32)


_ENCODERS: dict[str, Callable[[], TextEncoder]] = {
    "auto": HashedEncoder,
    "hashed": HashedEncoder,
    HashedEncoder.name: HashedEncoder,
    ZeroEncoder.name: ZeroEncoder,
}


def make_text_encoder(name: str = "auto") -> TextEncoder:
    """Return a text encoder by its short name or by the name that a checkpoint records.

    Args:
        name: ``auto`` (the best one this machine can run), ``hashed`` or ``zero``.

    Raises:
        ConfigError: there is no such encoder.
    """
    if name not in _ENCODERS:
        raise ConfigError(
            f"'{name}' is not a text encoder.{did_you_mean(name, _ENCODERS)} "
            f"Choose one of {', '.join(_ENCODERS)}."
        )
    return _ENCODERS[name]()
