"""The scripted policies that Meta-World comes with, one for each of its tasks.

They were written for one control step per action; ours hold an action for two. What they read is
the library's own observation, which is ours.
"""

from __future__ import annotations

import warnings

import numpy as np

from newt_core.experts.policy import MakePlayer, Player
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray


def find(spec: TaskSpec) -> MakePlayer:
    """Return what makes players of a Meta-World task."""
    return lambda: _player(str(spec.env.get("name")))


def _player(name: str) -> Player:
    """Return a player of the library's environment ``name``, such as ``door-open-v3``."""
    from metaworld.policies import ENV_POLICY_MAP

    policy = ENV_POLICY_MAP[name]()

    def act(obs: FloatArray) -> FloatArray:
        with warnings.catch_warnings():
            # The policies leave clipping to their caller, and say so at every other step.
            warnings.filterwarnings("ignore", message="Constant.* may be too high")
            action = policy.get_action(obs.astype(np.float64))
        return np.clip(action, -1.0, 1.0).astype(np.float32)

    return act
