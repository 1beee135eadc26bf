"""Scripted players are far above random actions: a few tasks of each domain, an episode each.

`benchmarks/experts.py` measures all of them (docs/experts.md).
"""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.session import open_session
from newt_core.experts.registry import make_player
from newt_core.specs import load_specs

LIBRARY = load_specs()

LEAST_SCORES = {
    # Meta-World: those where the hand must be held at the end, each in its own way.
    "mw-door-open": 0.9,
    "mw-handle-press": 0.9,
    "mw-lever-pull": 0.9,
    "mw-stick-push": 0.9,
    # ManiSkill
    "ms-pick-cube": 1.0,
    "ms-pull-cube": 1.0,
    "ms-poke-cube": 1.0,
    "ms-lift-peg": 1.0,
    "ms-pull-cube-tool": 1.0,
    "ms-cartpole-balance": 0.95,
    "ms-cartpole-swingup-sparse": 0.7,
    # RoboDesk
    "rd-push-green": 1.0,
    # Box2D
    "lunarlander-hover": 0.8,
    "lunarlander-takeoff": 0.7,
    # OGBench
    "og-point-spiral": 1.0,
    "og-point-var1": 1.0,
    # The control suite, its extension, and MuJoCo
    "cartpole-balance-sparse": 0.95,
    "cartpole-swingup": 0.6,
    "cup-catch": 0.8,
    "cup-spin": 0.7,
    "jumper-jump": 0.7,
    "spinner-jump": 0.35,
    "pendulum-swingup": 0.7,
    "reacher-easy": 0.9,
    "pendulum-spin": 0.8,
    "mujoco-inverted-pendulum": 0.95,
    "mujoco-reacher": 0.8,
}
"""Least mean score over the episodes played here."""
EPISODES = 1


def play(spec, act, seed):
    """Play one episode; return its score."""
    session = open_session(spec)
    obs = session.reset(seed)
    while not session.done:
        obs = session.step(act(obs)).obs
    return session.score


def random_player(spec, seed):
    generator = np.random.default_rng(seed)
    return lambda obs: generator.uniform(-1, 1, spec.action_dim).astype(np.float32)


@pytest.mark.parametrize("task", LEAST_SCORES)
def test_a_scripted_player_is_far_above_random(task):
    spec = LIBRARY[task]
    played = play(spec, make_player(spec), 0)
    drawn = play(spec, random_player(spec, 0), 0)
    assert played >= LEAST_SCORES[task]
    assert played >= drawn + 0.2
