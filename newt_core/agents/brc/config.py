"""The settings of BRC, ``agent.options``.

What an update does is as published. How much it does is for a CPU by default; the preset ``brc``
has what was published: critics 16 times as wide, batches 4 times as large, twice as many updates,
10 times as many random steps, and a million transitions remembered of each environment.
"""

from __future__ import annotations

from pydantic import Field

from newt_core.agents.off_policy.config import (
    BatchSize,
    Decay,
    Ema,
    LearningStarts,
    Normalised,
    OffPolicyConfig,
    RingSize,
    Steps,
    UpdatesPerStep,
)
from newt_core.settings import limits
from newt_core.settings.base import InInteraction


class BRCConfig(OffPolicyConfig):
    """BRC with text in the place of learned task embeddings, and a discount per task."""

    batch_size: BatchSize = 256
    updates_per_step: UpdatesPerStep = 1
    learning_starts: LearningStarts = 500
    ring: RingSize = 50_000
    n_step: Steps = 1
    weight_decay: Decay = 1e-4
    target_ema: Ema = 0.005
    normalise_states: Normalised = False
    critic_width: int = Field(
        256, ge=1, le=2**14, description="Width of the critics; published: 4096."
    )
    actor_width: int = Field(256, ge=1, le=2**14, description="Width of the actor.")
    initial_temperature: float = Field(
        0.1, gt=0, le=limits.NUMBER, description="Weight of the entropy at the beginning."
    )
    temperature_lr: InInteraction[float] = Field(
        3e-4, gt=0, le=limits.NUMBER, description="Learning rate of that weight."
    )
    target_entropy: InInteraction[float] = Field(
        -0.5,
        ge=-limits.NUMBER,
        le=limits.NUMBER,
        description="Entropy of each entry of an action that the weight is learned for.",
    )
