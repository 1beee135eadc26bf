"""Where a run's randomness comes from: one seed, and a named stream of it for every user.

Two parts that drew from generators with the same seed would draw the same numbers: the noise that
explores would be the noise of the value targets. Every generator of a run is therefore seeded by
:func:`stream_seed`, under a name that nothing else uses.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import numpy as np


class Stream(StrEnum):
    """Who draws. The words are part of what a seed means: another word draws other numbers."""

    WEIGHTS = "initial weights"
    LEARNER = "noise of the losses"
    LEARNER_HEADS = "Q heads of the losses"
    BATCHES = "which subsequences are drawn"
    CALIBRATION = "the batch that the value scale begins with"
    ACTOR = "noise of the planner and of exploration"
    ACTOR_HEADS = "Q heads of the planner"
    RANDOM_ACTIONS = "actions of the random phase"
    TRAINING_EPISODES = "episodes that are learned from"
    SELECTION_EPISODES = "episodes that a run evaluates itself on, and chooses best.pt by"
    LIBRARIES = "Python's, NumPy's and PyTorch's global generators"
    REPORTED_EPISODES = "episodes that newt eval reports"


def stream_seed(run_seed: int, stream: Stream, rank: int = 0) -> int:
    """Return the seed of one stream, in [0, 2**63): what PyTorch's and NumPy's generators take.

    Args:
        run_seed: The run's seed, 0 or more.
        stream: Who draws.
        rank: Which of the processes that train together; each draws numbers of its own.
    """
    name = int.from_bytes(hashlib.sha256(stream.value.encode()).digest()[:4])
    sequence = np.random.SeedSequence(run_seed, spawn_key=(name, rank))
    return int(sequence.generate_state(1, np.uint64)[0] >> 1)
