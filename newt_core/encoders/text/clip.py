"""CLIP's text tower, as the paper uses it: ViT-B/32 with OpenAI's weights, in open_clip's files.

Only the text half of the model is built, in float32, and only when a text is met whose vector is
not on the disk yet.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from newt_core.encoders.library import import_file
from newt_core.encoders.text.base import TextEncoder, encode_cached
from newt_core.encoders.weights import WEIGHTS, load_tensors, locate, verify
from newt_core.errors import WeightsError, in_short
from newt_core.files import sha256
from newt_core.types import FloatArray

if TYPE_CHECKING:
    from newt_core.encoders.text.clip_tower import TextTower

CLIP_WEIGHTS = "clip-vit-b-32"
"""The weight file, and the encoder's name in checkpoints."""
VOCABULARY, CONTEXT = 49_408, 77
"""Tokens that its tokenizer knows, and how many of them a text has."""
BATCH = 64
"""Texts encoded at once."""
OTHER_PARTS = ("visual.", "logit_")
"""How the names of tensors begin that the text tower does not need."""


class ClipEncoder(TextEncoder):
    """CLIP ViT-B/32: 512-d vectors of unit length, kept on the disk once computed.

    Args:
        weights: A file of the same architecture to use instead of OpenAI's; the encoder then
            bears a name of its own, made from the file's content.

    Raises:
        WeightsError: The weights are not on this machine, or cut short.
    """

    def __init__(self, weights: Path | None = None) -> None:
        self._path = locate(CLIP_WEIGHTS, weights)
        self._published = weights is None
        published = WEIGHTS[CLIP_WEIGHTS].sha256
        self._hash = published if self._published else sha256(self._path)
        own = "" if self._hash == published else f"-{self._hash[:12]}"
        self.name = f"{CLIP_WEIGHTS}{own}"

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return [n, 512] vectors of unit length.

        Raises:
            WeightsError: The weights are damaged, or of another architecture.
            MissingDependencyError: open_clip, whose tokenizer it is, is not installed.
        """
        return encode_cached(texts, f"{self.name} {self._hash}", self._compute, self.dim)

    def _compute(self, texts: list[str]) -> FloatArray:
        import torch
        import torch.nn.functional as F

        tokens = self._tokenize(texts)
        rows = []
        with torch.inference_mode():
            for begin in range(0, len(texts), BATCH):
                rows.append(F.normalize(self._tower(tokens[begin : begin + BATCH]), dim=-1))
        return np.asarray(torch.cat(rows).numpy(), np.float32)

    def _tokenize(self, texts: list[str]) -> Any:
        tokenizer = clip_tokenizer()
        room = tokenizer.context_length - 2  # a start and an end are put around the text
        for text in texts:
            if len(tokenizer.encode(text)) > room:
                warnings.warn(
                    f"CLIP reads {room} tokens, so the end of this text is lost: …{text[-40:]}",
                    stacklevel=2,
                )
        return tokenizer(texts)

    @cached_property
    def _tower(self) -> TextTower:
        from newt_core.encoders.text.clip_tower import tower_of

        if self._published:
            verify(CLIP_WEIGHTS, self._path)
        tensors = load_tensors(self._path, lambda name: not name.startswith(OTHER_PARTS))
        # open_clip writes some models with the text tower's tensors under this prefix.
        tensors = {name.removeprefix("text."): tensor for name, tensor in tensors.items()}
        try:
            tower = tower_of(tensors)
        except (KeyError, ValueError, IndexError, RuntimeError) as error:
            raise WeightsError(
                f"{self._path}: not the weights of a CLIP ViT-B/32 in open_clip's layout "
                f"({in_short(error, last=True)[:120]})."
            ) from error
        vocabulary, context, out = found = tower.sizes
        if found != (VOCABULARY, CONTEXT, self.dim):
            raise WeightsError(
                f"{self._path}: this CLIP reads {context} of {vocabulary:,} tokens and makes {out} "
                f"numbers of them; it must be {CONTEXT} of {VOCABULARY:,}, and {self.dim}."
            )
        return tower


def clip_tokenizer() -> Any:
    """Return open_clip's tokenizer: texts → [n, 77] numbers.

    Raises:
        MissingDependencyError: open_clip is not installed.
    """
    # All of open_clip would import torchvision, for pictures, which may not fit this PyTorch.
    return import_file("open_clip", "tokenizer.py", "CLIP").SimpleTokenizer()
