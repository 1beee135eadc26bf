"""The first actions of a run, and when they end."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch

from newt_core.training.config import RandomPhaseConfig
from newt_core.training.random_phase import LONGEST_HOLD, RandomPhase
from newt_core.types import ACTION_DIM


def phase(envs: int = 2, dims: int = 3, seed: int = 0, **config: Any) -> RandomPhase:
    mask = np.zeros((envs, ACTION_DIM), np.float32)
    mask[:, :dims] = 1
    generator = torch.Generator().manual_seed(seed)
    return RandomPhase(RandomPhaseConfig(**config), mask, generator)


def test_uniform_actions_fill_the_range_and_respect_the_mask():
    made = phase(episodes=1)
    actions = np.stack([made.act(0) for _ in range(500)])
    assert actions.dtype == np.float32
    assert (actions[..., 3:] == 0).all()
    used = actions[..., :3]
    assert -1 <= used.min() < -0.98
    assert 0.98 < used.max() <= 1
    assert abs(used.mean()) < 0.05
    assert (used[1:] != used[:-1]).mean() > 0.99


def test_later_actions_are_extreme_and_last():
    made = phase(episodes=1)
    actions = np.stack([made.act(2) for _ in range(4000)])
    assert (actions[..., 3:] == 0).all()
    used = actions[..., :3]
    assert set(np.unique(used)) == {-1.0, 1.0}
    # A hold lasts 20.5 steps on average and the next one differs half of the time.
    changes = (used[1:] != used[:-1]).mean()
    assert 0.5 / 20.5 * 0.85 < changes < 0.5 / 20.5 * 1.15
    # Entries and environments change on their own.
    assert abs(np.corrcoef(used[:, 0, 0], used[:, 1, 0])[0, 1]) < 0.3
    assert abs(np.corrcoef(used[:, 0, 0], used[:, 0, 1])[0, 1]) < 0.3


def test_a_hold_never_outlasts_the_limit():
    made = phase(envs=1, dims=1, episodes=0)
    left = []
    for _ in range(500):
        made.act(0)
        left.append(int(made._left[0, 0]))
    assert max(left) == LONGEST_HOLD - 1
    assert all(b == a - 1 for a, b in pairwise(left) if a > 0)


def test_it_ends_after_its_episodes_whatever_was_met():
    made = phase(episodes=2)
    made.see(np.zeros(2, np.float32))
    assert not made.over(3)
    assert made.over(4)


def test_it_goes_on_while_every_reward_was_the_same():
    made = phase(episodes=2, until_reward=5)
    made.see(np.zeros(2, np.float32))
    assert not made.over(4)
    assert not made.over(9)
    assert made.over(10)
    made.see(np.array([0, 1], np.float32))
    assert not made.over(3)
    assert made.over(4)


def test_rewards_seen_survive_a_resumption():
    before = phase(episodes=1, until_reward=5)
    before.see(np.array([0, 1], np.float32))
    after = phase(episodes=1, until_reward=5)
    assert not after.over(2)
    after.load_state_dict(before.state_dict())
    assert after.over(2)


def test_a_generator_determines_the_actions():
    for episodes in (0, 2):
        first, second = phase(seed=1, episodes=1), phase(seed=1, episodes=1)
        for _ in range(50):
            np.testing.assert_array_equal(first.act(episodes), second.act(episodes))
