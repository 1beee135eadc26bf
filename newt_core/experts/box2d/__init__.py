"""Players of the lander and the two-legged walker.

Both follow ideas of the heuristics that Gymnasium ships with its two environments.
"""

from __future__ import annotations

from collections.abc import Callable

from newt_core.experts.box2d import lander, walker
from newt_core.experts.policy import MakePlayer, Policy, player_of
from newt_core.specs.schema import TaskSpec

GOALS: dict[str, Callable[[], Policy]] = {
    "land": lander.land,
    "hover": lander.hover,
    "takeoff": lander.hover,
}
"""What the lander is to do → a function that returns a fresh policy."""

WALKED = ("flat", "uneven", "rugged", "obstacles")
"""Terrains that the walker's player crosses, of the last two rarely much; hills make it fall."""


def find(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes players of a Box2D task, or None."""
    if spec.env.get("body") == "walker":
        return player_of(walker.Gait) if spec.env.get("terrain") in WALKED else None
    policy = GOALS.get(str(spec.env.get("goal")))
    return None if policy is None else player_of(policy)
