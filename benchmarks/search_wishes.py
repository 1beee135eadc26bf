"""What is worth something in a search for a controller beside its score."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from newt_core.envs.session import Session


def flight(session: Session) -> float:
    """Return how high the cheetah's lower foot is, from 0 on the ground to 1."""
    physics = session.simulator._physics  # type: ignore[attr-defined]  # the suite's
    lower = min(physics.height("bfoot"), physics.height("ffoot"))
    return float(np.clip((lower - 0.25) / 0.4, 0.0, 1.0))


def health(session: Session) -> float:
    """Return whether Gymnasium's hopper or walker is up."""
    return float(session.simulator._env.is_healthy)  # type: ignore[attr-defined]  # Gymnasium's


WISHES: Mapping[str, Callable[[Session], float]] = {
    "cheetah-jump": flight,
    "mujoco-hopper": health,
    "mujoco-walker": health,
}
"""Task → what is worth something in its search beside the score, at each step from 0 to 1.

A jump is paid for how high torso and feet are: rearing on the hind legs, without leaving the
ground, scores 0.58. Hopper and walker score 0 until they are up for most of an episode.
"""
