"""What a scripted player is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import getfile
from pathlib import Path

import numpy as np

from newt_core.types import FloatArray

Player = Callable[[FloatArray], FloatArray]
"""[obs_dim] → [action_dim] in [-1, 1]; called with every observation of one episode in turn."""

Policy = Callable[[Sequence[float]], Sequence[float]]
"""What a player does, with plain numbers, and actions that are yet to be clipped."""

FOLDER = Path(__file__).parent
"""Where the players are written."""


@dataclass(frozen=True)
class MakePlayer:
    """Makes a task's players, a new one for every episode: some have a memory."""

    new: Callable[[], Player]
    name: str
    """What to call the player, such as ``swing_up``."""
    file: str
    """Where it is written, such as ``suite/pendulum.py``, in the folder of the players."""

    def __call__(self) -> Player:
        """Return a new player."""
        return self.new()


def as_player(policy: Policy) -> Player:
    """Return a player that does what a policy says."""

    def act(obs: FloatArray) -> FloatArray:
        action = np.array(policy(obs.tolist()), dtype=np.float32)
        return np.clip(action, -1.0, 1.0)

    return act


def player_of(policy: Callable[..., Policy], *arguments: object) -> MakePlayer:
    """Return what makes players that follow a policy, and is called what the policy is called.

    Args:
        policy: returns a fresh policy.
        arguments: what to call it with.
    """
    return MakePlayer(
        new=lambda: as_player(policy(*arguments)),
        name=policy.__name__,
        file=Path(getfile(policy)).relative_to(FOLDER).as_posix(),
    )
