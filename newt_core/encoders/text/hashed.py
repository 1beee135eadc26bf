"""A text encoder without weights: hashed n-grams through a fixed random projection.

Each word, pair of neighbouring words and short run of characters in a text owns a direction:
a vector of 512 signs, read off its own hash. A text's vector is the weighted sum of its
features' directions, scaled to unit length. Directions of different features are nearly
orthogonal, so the inner product of two texts' vectors is about the weighted share of features
they have in common: similar instructions lie close together, and a new one lies near those
it shares words with. What words mean, it does not know.

All arithmetic up to the final scaling is in integers, so the vectors are the same bit for bit
on every machine.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from newt_core.encoders.text.base import TextEncoder
from newt_core.types import TEXT_DIM, FloatArray

WORD_WEIGHT = 8
"""Weight of a word that carries meaning."""
STOP_WORD_WEIGHT = 1
"""Weight of a word that nearly every text has."""
PAIR_WEIGHT = 4
"""Weight of two neighbouring words: order tells 'stand up' from 'up, stand'."""
CHARACTERS_WEIGHT = 1
"""Weight of a run of characters: these relate 'walk' to 'walking', and forgive misspellings."""
RUN_LENGTHS = (3, 4, 5)
"""Characters in a run; a word's beginning and end count as one each."""

STOP_WORDS = frozenset(
    (
        *("a", "an", "the", "it", "its", "that", "is", "be", "and", "or", "as", "then", "while"),
        *("at", "by", "for", "from", "in", "into", "of", "on", "to", "with"),
        *("embodiment", "instruction", "reward"),
    )
)
"""Words of grammar, and of the frame that every task text has."""

_WORD = re.compile(r"[^\W_]+")


class HashedEncoder(TextEncoder):
    """Deterministic, needs no download; the default where CLIP's weights are missing."""

    name = "hashed-v1"

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return [n, 512] vectors of unit length; zeros for a text without a single word."""
        rows = [self._encode(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)

    def _encode(self, text: str) -> FloatArray:
        features = _features(text)
        if not features:
            return np.zeros(self.dim, dtype=np.float32)
        weights = np.fromiter(features.values(), dtype=np.int64, count=len(features))
        total = weights @ np.stack([_direction(feature) for feature in features])
        length = np.sqrt(np.float64(total @ total))
        vector: FloatArray = (total / length).astype(np.float32)
        return vector


def _features(text: str) -> dict[str, int]:
    """Return a text's features and their weights; repeating a word changes nothing."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    features: dict[str, int] = {}
    for word in words:
        features[f"word {word}"] = STOP_WORD_WEIGHT if word in STOP_WORDS else WORD_WEIGHT
        if word not in STOP_WORDS:
            marked = f"<{word}>"
            for length in RUN_LENGTHS:
                for start in range(len(marked) - length + 1):
                    run = marked[start : start + length]
                    features[f"run {run}"] = CHARACTERS_WEIGHT
    for first, second in pairwise(words):
        if not {first, second} <= STOP_WORDS:
            features[f"pair {first} {second}"] = PAIR_WEIGHT
    return features


def _direction(feature: str) -> NDArray[np.int64]:
    """[512] int64 signs, +1 or -1: the feature's row of the random projection.

    A hash of 512 bits is such a row, so no matrix needs to be drawn, stored or shipped.
    """
    digest = hashlib.blake2b(
        feature.encode("utf-8"), digest_size=TEXT_DIM // 8, person=b"newt-hashed-v1"
    ).digest()
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8), bitorder="little")
    return 2 * bits.astype(np.int64) - 1
