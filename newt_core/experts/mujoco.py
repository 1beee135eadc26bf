"""Players of Gymnasium's inverted pendulum and reacher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import acos, atan2, cos, pi, remainder, sin

from newt_core.experts.policy import MakePlayer, Policy, player_of
from newt_core.specs.schema import TaskSpec

UPPER, LOWER = 0.1, 0.11
"""Lengths of the reacher's links, in metres."""


def balance() -> Policy:
    """Apply a linear regulator's gains: position, angle and their velocities."""
    return lambda obs: [0.055 * obs[0] + 1.54 * obs[1] + 0.124 * obs[2] + 0.238 * obs[3]]


def reach() -> Policy:
    """Turn both joints to the angles that put the fingertip on the target."""

    def act(obs: Sequence[float]) -> Sequence[float]:
        shoulder, elbow = atan2(obs[2], obs[0]), atan2(obs[3], obs[1])
        x, y = obs[4], obs[5]
        cosine = (x * x + y * y - UPPER * UPPER - LOWER * LOWER) / (2 * UPPER * LOWER)
        bend = acos(min(max(cosine, -1.0), 1.0))
        bend = bend if elbow >= 0 else -bend
        ahead = atan2(LOWER * sin(bend), UPPER + LOWER * cos(bend))
        turn = remainder(atan2(y, x) - ahead - shoulder, 2 * pi)
        return [turn - 0.2 * obs[6], (bend - elbow) - 0.2 * obs[7]]

    return act


POLICIES: dict[str, Callable[[], Policy]] = {
    "InvertedPendulum-v4": balance,
    "Reacher-v4": reach,
}
"""Gymnasium's id → a function that returns a fresh policy."""


def find(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes players of a task, or None."""
    policy = POLICIES.get(str(spec.env.get("id")))
    return None if policy is None else player_of(policy)
