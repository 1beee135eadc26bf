"""What an agent that sees takes from a demonstration: the features of its pictures."""

from __future__ import annotations

from dataclasses import dataclass

from newt_core.demos.feature_files import KeptFeatures
from newt_core.demos.schema import DemoEpisode
from newt_core.encoders.image.base import ImageEncoder
from newt_core.errors import DemoError
from newt_core.types import HalfArray

REMEDY = (
    "Record pictures with 'newt collect-demos --rgb', or learn from states (model.obs=state) and "
    "add visual observations afterwards (newt train --pretrained CKPT --obs both --set demos=)."
)
"""What to do about demonstrations without pictures."""


@dataclass(frozen=True)
class DemoFeatures:
    """How the pictures of demonstrations reach an agent."""

    encoder: ImageEncoder
    stack: int
    """Pictures per observation, the newest and those before it."""
    known_as: frozenset[str] = frozenset()
    """Other names under which files hold this encoder's features."""

    def features(self, episode: DemoEpisode, digest: str, kept: KeptFeatures) -> HalfArray:
        """Return an episode's features, [T + 1, 768], from its file or of its pictures.

        Args:
            episode: what was recorded.
            digest: the checksum that it was stored with.
            kept: what its pictures were already encoded to.

        Raises:
            DemoError: it has neither; the message does not name the file.
        """
        same = {self.encoder.name} | self.known_as
        if episode.features is not None and episode.encoder in same:
            return episode.features
        if episode.rgb is not None:
            rgb = episode.rgb
            rows = len(episode.observations)
            return kept.features(digest, rows, lambda: self.encoder.encode(rgb()))
        if episode.features is None:
            raise DemoError(f"it holds no pictures. {REMEDY}")
        raise DemoError(
            f"it holds no pictures, only features by {episode.encoder or 'an unnamed encoder'}; "
            f"the agent reads those by {self.encoder.name}. {REMEDY}"
        )
