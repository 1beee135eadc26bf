"""Which text encoder a name stands for.

============== ==================================================================
name           encoder
============== ==================================================================
``auto``       ``clip`` if its weights are here or quickly fetched, else ``hashed``
``clip``       CLIP ViT-B/32, the paper's
``hashed``     hashed n-grams, which need no weights
``file``       the user's own table of vectors
``one-hot``    which of the run's tasks it is, without a word about it
``zero``       nothing: the ablation without language
============== ==================================================================

Checkpoints record a longer name, such as ``hashed-v1``, that also says which version or which
weights; it is understood here, too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from newt_core.encoders.text.base import OneHotEncoder, TextEncoder, ZeroEncoder
from newt_core.encoders.text.clip import CLIP_WEIGHTS, ClipEncoder, clip_tokenizer
from newt_core.encoders.text.file import FileEncoder
from newt_core.encoders.text.hashed import HashedEncoder
from newt_core.encoders.weights import download_quickly, find, locate
from newt_core.errors import (
    ConfigError,
    MissingDependencyError,
    WeightsError,
    did_you_mean,
    in_short,
)

ENCODERS = ("auto", "clip", "hashed", "file", "one-hot", "zero")
"""The short names."""
NEED_WEIGHTS = ("clip", "file")
"""Those that are made from a file."""
PATIENCE_SECONDS = 10.0
"""How long ``auto`` lets the download of CLIP's weights take."""

Notice = Callable[[str], None]
"""Shows a line to the user."""


def make_text_encoder(
    name: str = "auto", weights: Path | None = None, *, notice: Notice | None = None
) -> TextEncoder:
    """Return a text encoder by its short name or by the name that a checkpoint records.

    Args:
        name: One of :data:`ENCODERS`, or a recorded name.
        weights: The file of ``clip`` or ``file``; ``clip`` has published ones by default.
        notice: Told what ``auto`` fell back to; by default a Python warning.

    Raises:
        ConfigError: There is no such encoder, or it takes no file.
        WeightsError: The weights are missing, damaged, or not those of the recorded name.
    """
    short = short_name(name)
    if short == "auto":
        if weights is not None:
            raise ConfigError(
                f"{weights} can be for several encoders: name one, clip or file, beside it."
            )
        short = choose_text_encoder(notice)
    encoder = _make(short, name, weights)
    if name not in ENCODERS and encoder.name != name:
        raise WeightsError(
            f"the texts were embedded by '{name}', but what is here is '{encoder.name}', whose "
            "vectors differ.\nThe tasks that a checkpoint was trained on keep their own vectors; "
            "for others, bring the encoder that it was trained with."
        )
    return encoder


def choose_text_encoder(notice: Notice | None = None) -> str:
    """Return what ``auto`` stands for on this machine: ``clip`` or ``hashed``.

    Takes a few seconds at most, unless the weights are just being fetched.
    """
    try:
        if find(CLIP_WEIGHTS) or download_quickly(CLIP_WEIGHTS, PATIENCE_SECONDS):
            locate(CLIP_WEIGHTS)
            clip_tokenizer()
            return "clip"
        reason = f"CLIP's weights are not here; newt weights download {CLIP_WEIGHTS} fetches them"
    except (WeightsError, MissingDependencyError) as error:
        reason = in_short(error)
    line = f"Texts are embedded by hashed n-grams ({reason})."
    if notice is not None:
        notice(line)
    else:
        warnings.warn(line, stacklevel=3)
    return "hashed"


def short_name(name: str) -> str:
    """Return the short name of any name.

    Raises:
        ConfigError: There is no such encoder.
    """
    kinds = {"clip": CLIP_WEIGHTS, "hashed": "hashed-v", "file": "file-"}
    for short, prefix in kinds.items():
        if name.startswith(prefix):
            return short
    if name not in ENCODERS:
        raise ConfigError(
            f"'{name}' is not a text encoder.{did_you_mean(name, ENCODERS)} "
            f"Choose one of {', '.join(ENCODERS)}."
        )
    return name


def _make(short: str, name: str, weights: Path | None) -> TextEncoder:
    if short == "clip":
        if weights is None and name not in (short, CLIP_WEIGHTS):
            raise WeightsError(
                f"the texts were embedded by '{name}', CLIP with weights of your own: name their "
                "file with --text-weights."
            )
        return ClipEncoder(weights)
    if short == "file":
        if weights is None:
            named = f" (it was '{name}')" if name != short else ""
            raise WeightsError(
                f"the text encoder 'file' is a table of yours{named}: name it with --text-weights, "
                "an NPZ or safetensors file of task → 512 numbers."
            )
        return FileEncoder(weights)
    if weights is not None:
        raise ConfigError(f"the text encoder '{short}' has no weights: leave {weights} out.")
    if short == "hashed":
        return HashedEncoder()
    return OneHotEncoder() if short == "one-hot" else ZeroEncoder()
