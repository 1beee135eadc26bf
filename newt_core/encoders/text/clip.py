"""CLIP's text tower, as the paper uses it: ViT-B/32 with OpenAI's weights, through open_clip.

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

from newt_core.encoders.library import import_library
from newt_core.encoders.text.base import TextEncoder, encode_cached
from newt_core.encoders.weights import WEIGHTS, load_tensors, locate, verify
from newt_core.errors import WeightsError, in_short
from newt_core.files import sha256
from newt_core.types import FloatArray

if TYPE_CHECKING:
    from torch import nn

CLIP_WEIGHTS = "clip-vit-b-32"
"""The weight file, and the encoder's name in checkpoints."""
ARCHITECTURE = "ViT-B-32-quickgelu"
"""open_clip's name: OpenAI trained with QuickGELU, which open_clip's plain ViT-B-32 lacks."""
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
            MissingDependencyError: open_clip cannot be imported.
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
        tokenizer = import_library("open_clip", "CLIP").get_tokenizer(ARCHITECTURE)
        room = tokenizer.context_length - 2  # a start and an end are put around the text
        for text in texts:
            if len(tokenizer.encode(text)) > room:
                warnings.warn(
                    f"CLIP reads {room} tokens, so the end of this text is lost: …{text[-40:]}",
                    stacklevel=2,
                )
        return tokenizer(texts)

    @cached_property
    def _tower(self) -> nn.Module:
        import torch

        open_clip = import_library("open_clip", "CLIP")
        if self._published:
            verify(CLIP_WEIGHTS, self._path)
        config = open_clip.get_model_config(ARCHITECTURE)
        with torch.device("meta"):  # no time is spent on weights that are replaced at once
            tower = open_clip.transformer.TextTransformer(
                **config["text_cfg"],
                output_dim=config["embed_dim"],
                act_layer=open_clip.transformer.QuickGELU,
            )
        tower.attn_mask = tower.build_causal_mask()  # not among the weights
        tensors = load_tensors(self._path, lambda name: not name.startswith(OTHER_PARTS))
        # open_clip writes some models with the text tower's tensors under this prefix.
        tensors = {name.removeprefix("text."): tensor for name, tensor in tensors.items()}
        try:
            tower.load_state_dict(tensors, assign=True)
        except RuntimeError as error:
            raise WeightsError(
                f"{self._path}: not the weights of a CLIP ViT-B/32 in open_clip's layout "
                f"({in_short(error, last=True)[:120]})."
            ) from error
        frozen: nn.Module = tower.float().eval()
        return frozen
