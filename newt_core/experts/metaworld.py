"""The scripted policies that Meta-World comes with, one for each of its tasks.

They were written to meet success once; ours must be there at the end. Many go on after it, and
push a thing past its goal. So the hand is held while the thing is where it should be.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import numpy as np

from newt_core.experts.policy import MakePlayer
from newt_core.specs.schema import TaskSpec
from newt_core.types import FloatArray

HAND, THING, SECOND_THING, GOAL = slice(0, 3), slice(4, 7), slice(11, 14), slice(36, 39)
"""Where the observation tells positions, in metres."""
STRIDE = 0.02
"""Metres by which an action of 1 moves the place that the hand is pulled to: a centimetre in each
of two control steps."""


class Hold(NamedTuple):
    """When to hold the hand for the rest of the episode."""

    tolerance: float
    """Metres between thing and goal."""
    axes: str = "xyz"
    """Those that count."""
    floor: tuple[float, float, float] = (-0.5, 0.4, 0.05)
    """The library pulls the hand no further than here."""
    ahead: float = 0.0
    """Metres along y to go on pulling, against what pushes back."""
    thing: slice = THING

    def reached(self, obs: np.ndarray) -> bool:
        """Whether the thing is close enough to its goal, by an observation, [39]."""
        off = obs[self.thing] - obs[GOAL]
        counted = [off["xyz".index(axis)] for axis in self.axes]
        return float(np.linalg.norm(counted)) <= self.tolerance


LOW_FLOOR = (-0.5, 0.4, -0.15)
"""In the tasks whose hand may go below the table's top."""

HOLDS: Mapping[str, Hold] = MappingProxyType(
    {
        "coffee-button-v3": Hold(0.015, "y"),
        "coffee-push-v3": Hold(0.05),
        "box-close-v3": Hold(0.06),
        "door-close-v3": Hold(0.06),
        "door-open-v3": Hold(0.05, "x"),
        "faucet-close-v3": Hold(0.05),
        "faucet-open-v3": Hold(0.05),
        "handle-press-side-v3": Hold(0.045, "z", LOW_FLOOR),
        "handle-press-v3": Hold(0.045, "z", LOW_FLOOR),
        "lever-pull-v3": Hold(0.012, "y", ahead=0.055),
        "peg-unplug-side-v3": Hold(0.05),
        "plate-slide-back-side-v3": Hold(0.04, "x"),
        "plate-slide-back-v3": Hold(0.05),
        "plate-slide-side-v3": Hold(0.04, "x"),
        "push-back-v3": Hold(0.05),
        "stick-pull-v3": Hold(0.09, thing=SECOND_THING),
        "stick-push-v3": Hold(0.1, thing=SECOND_THING),
        "sweep-into-v3": Hold(0.03, "xy"),
    }
)
"""The library's name of a task → when its goal is met, where its policy would go on."""

OTHERS_POLICIES: Mapping[str, str] = MappingProxyType(
    # Its own presses from behind with an open gripper, which its reward does not pay for.
    {"button-press-topdown-wall-v3": "button-press-topdown-v3"}
)
"""The library's name of a task → that of the task whose policy plays it better."""


def find(spec: TaskSpec) -> MakePlayer:
    """Return what makes players of a Meta-World task."""
    name = str(spec.env.get("name"))
    held = ", then holds" if name in HOLDS else ""
    return MakePlayer(lambda: _Sawyer(name), f"Meta-World's policy{held}", "metaworld.py")


class _Sawyer:
    """Plays the library's environment ``name``, such as ``door-open-v3``."""

    def __init__(self, name: str) -> None:
        from metaworld.policies import ENV_POLICY_MAP

        # To mypy every class in the table is the abstract one.
        make_policy = cast(Callable[[], Any], ENV_POLICY_MAP[OTHERS_POLICIES.get(name, name)])
        self._policy = make_policy()
        self._hold = HOLDS.get(name)
        self._pulled_to: np.ndarray | None = None
        """[3] where the arm pulls the hand; what resists lets it lag behind."""
        self._stay: np.ndarray | None = None
        """[3] where to pull it for good, once the goal is met."""

    def __call__(self, obs: FloatArray) -> FloatArray:
        wide = obs.astype(np.float64)
        with warnings.catch_warnings():
            # The policies leave clipping to their caller, and say so at every other step.
            warnings.filterwarnings("ignore", message="Constant.* may be too high")
            # Some change what they are given.
            action = np.clip(self._policy.get_action(wide.copy()), -1.0, 1.0)
        if self._hold is not None:
            action[:3] = self._held(self._hold, wide, action[:3])
        return action.astype(np.float32)

    def _held(self, hold: Hold, obs: np.ndarray, way: np.ndarray) -> np.ndarray:
        """Return the hand's part of the action: the policy's ``way`` until the goal is met."""
        hand = obs[HAND]
        if self._pulled_to is None:
            self._pulled_to = hand
        if self._stay is None and hold.reached(obs):
            self._stay = hand + np.array([0.0, hold.ahead, 0.0])
        if self._stay is not None:
            way = np.clip((self._stay - self._pulled_to) / STRIDE, -1.0, 1.0)
        self._pulled_to = np.maximum(self._pulled_to + STRIDE * way, hold.floor)
        return way
