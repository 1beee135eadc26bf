"""What a scripted player is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from newt_core.types import FloatArray

Player = Callable[[FloatArray], FloatArray]
"""[obs_dim] → [action_dim] in [-1, 1]; called with every observation of one episode in turn."""

MakePlayer = Callable[[], Player]
"""Returns a new player, for one episode: some have a memory."""

Policy = Callable[[Sequence[float]], Sequence[float]]
"""What a player does, with plain numbers, and actions that are yet to be clipped."""


def as_player(policy: Policy) -> Player:
    """Return a player that does what a policy says."""

    def act(obs: FloatArray) -> FloatArray:
        action = np.array(policy(obs.tolist()), dtype=np.float32)
        return np.clip(action, -1.0, 1.0)

    return act
