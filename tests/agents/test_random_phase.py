"""The first actions of a run, and when they end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from newt_core.agents.newt.config import RandomPhaseConfig
from newt_core.agents.newt.random_phase import LONGEST_HOLD, RandomPhase
from newt_core.types import ACTION_DIM, STATE_DIM, FloatArray, Transitions


def phase(
    envs: int = 2, dims: int = 3, seed: int = 0, tasks: list[int] | None = None, **config: Any
) -> RandomPhase:
    mask = np.zeros((envs, ACTION_DIM), np.float32)
    mask[:, :dims] = 1
    generator = torch.Generator().manual_seed(seed)
    task_of_env = np.arange(envs) if tasks is None else np.array(tasks)
    return RandomPhase(RandomPhaseConfig(**config), task_of_env, mask, generator)


def everywhere(made: RandomPhase) -> FloatArray:
    """Actions of all environments."""
    return made.act(np.arange(len(made._episodes)))


def step(
    reward: list[float], done: list[bool] | None = None, lost: list[bool] | None = None
) -> Transitions:
    """One step of every environment."""
    envs = len(reward)
    zeros = np.zeros(envs, np.float32)
    return Transitions(
        env_ids=np.arange(envs),
        obs=np.zeros((envs, STATE_DIM), np.float32),
        final_obs=np.zeros((envs, STATE_DIM), np.float32),
        reward=np.array(reward, np.float32),
        done=np.array(done or [False] * envs),
        success=zeros,
        score=zeros,
        lost=np.array(lost or [False] * envs),
        action=np.zeros((envs, ACTION_DIM), np.float32),
    )


def after_episodes(made: RandomPhase, *counts: int) -> RandomPhase:
    """Let the environments finish so many episodes, without any reward."""
    for played in range(max(counts)):
        made.see(step([0.0] * len(counts), [played < count for count in counts]))
    return made


def test_uniform_actions_fill_the_range_and_respect_the_mask():
    made = phase(episodes=1)
    actions = np.stack([everywhere(made) for _ in range(500)])
    assert actions.dtype == np.float32
    assert (actions[..., 3:] == 0).all()
    used = actions[..., :3]
    assert -1 <= used.min() < -0.98
    assert 0.98 < used.max() <= 1
    assert abs(used.mean()) < 0.05
    assert (used[1:] != used[:-1]).mean() > 0.99


def test_later_actions_are_extreme_and_last():
    made = after_episodes(phase(episodes=1), 1, 1)
    actions = np.stack([everywhere(made) for _ in range(4000)])
    assert (actions[..., 3:] == 0).all()
    used = actions[..., :3]
    assert set(np.unique(used)) == {-1.0, 1.0}
    # A hold lasts 20.5 steps on average and the next one differs half of the time.
    changes = (used[1:] != used[:-1]).mean()
    assert 0.5 / 20.5 * 0.85 < changes < 0.5 / 20.5 * 1.15
    # Entries and environments change on their own.
    assert abs(np.corrcoef(used[:, 0, 0], used[:, 1, 0])[0, 1]) < 0.3
    assert abs(np.corrcoef(used[:, 0, 0], used[:, 0, 1])[0, 1]) < 0.3


def test_only_environments_that_played_their_episodes_hold_actions():
    made = after_episodes(phase(episodes=1), 1, 0)
    actions = np.stack([everywhere(made) for _ in range(20)])
    assert set(np.unique(actions[:, 0, :3])) <= {-1.0, 1.0}
    assert (np.abs(actions[:, 1, :3]) < 1).all()


def test_a_hold_never_outlasts_the_limit():
    made = phase(envs=1, dims=1, episodes=0)
    left = []
    for _ in range(3000):
        everywhere(made)
        left.append(int(made._left[0, 0]))
    assert max(left) == LONGEST_HOLD - 1
    assert all(b == a - 1 for a, b in pairwise(left) if a > 0)


def test_every_environment_has_to_play_its_own_episodes():
    made = phase(episodes=2)
    # Many episodes of a short task are none of the long one.
    assert not after_episodes(made, 40, 1).over
    assert after_episodes(made, 0, 1).over


def test_it_ends_at_the_cap_whatever_was_played():
    made = phase(episodes=2, max_steps=3)
    for expected in (False, False, True):
        made.see(step([0, 0]))
        assert made.over is expected


def test_it_goes_on_while_every_reward_of_a_task_was_the_same():
    made = after_episodes(phase(episodes=2, until_reward=5), 2, 2)
    ended = [made.over]
    # What one task pays says nothing about the other.
    for rewards in ([1.0, 0.0], [0.0, 1.0]):
        made.see(step(rewards))
        ended.append(made.over)
    assert ended == [False, False, True]


def test_environments_of_a_task_share_what_it_paid():
    made = after_episodes(phase(tasks=[0, 0], episodes=1, until_reward=5), 1, 1)
    made.see(step([1, 0]))
    assert made.over


def test_it_gives_up_waiting_for_a_reward():
    made = phase(episodes=2, until_reward=5)
    assert not after_episodes(made, 4, 4).over
    assert after_episodes(made, 1, 1).over


def test_what_a_lost_environment_reports_is_no_experience():
    made = after_episodes(phase(envs=1, episodes=1, until_reward=5), 1)
    made.see(step([1]))  # the only reward but 0 ...
    assert made.over
    made = after_episodes(phase(envs=1, episodes=1, until_reward=5), 1)
    made.see(step([1], [True], lost=[True]))  # ... unless it comes with a lost episode
    assert not made.over


def test_all_it_knows_survives_a_resumption():
    before = after_episodes(phase(episodes=1, until_reward=5), 1, 1)
    before.see(step([0, 1]))
    before.see(step([1, 0]))
    for _ in range(3):
        everywhere(before)
    after = phase(seed=7, episodes=1, until_reward=5)
    ended = [after.over]
    after.load_state_dict(before.state_dict())
    assert [*ended, after.over] == [False, True]
    for _ in range(60):
        np.testing.assert_array_equal(everywhere(before), everywhere(after))


def test_a_generator_determines_the_actions():
    for episodes in (0, 2):
        first, second = phase(seed=1, episodes=episodes), phase(seed=1, episodes=episodes)
        for _ in range(50):
            np.testing.assert_array_equal(everywhere(first), everywhere(second))


def test_environments_that_are_not_asked_keep_holding_what_they_held():
    made = phase(envs=3, dims=1, episodes=0)
    before = everywhere(made)
    left = made._left.clone()
    for _ in range(2 * LONGEST_HOLD):
        assert made.act(np.array([2])).shape == (1, ACTION_DIM)
    assert torch.equal(made._left[:2], left[:2])
    held = made._left[:2, 0] > 0
    np.testing.assert_array_equal(everywhere(made)[:2, 0][held], before[:2, 0][held])


def test_the_cap_counts_the_steps_of_each_environment():
    made = phase(envs=2, episodes=9, max_steps=2)
    one = replace(step([0.0]), env_ids=np.array([1]))
    for _ in range(3):
        made.see(one)
    assert not made.over
    for expected in (False, True):
        made.see(replace(one, env_ids=np.array([0])))
        assert made.over is expected


def test_a_checkpoint_that_counted_steps_of_all_together_is_gone_on_with():
    made = phase(episodes=9, max_steps=4)
    made.load_state_dict(made.state_dict() | {"steps": 3})
    assert not made.over
    made.see(step([0.0, 0.0]))
    assert made.over
