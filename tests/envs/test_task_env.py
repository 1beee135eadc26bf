"""Tasks as plain Gymnasium environments."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import pytest

import newt_core
from newt_core.envs import gym_ids
from newt_core.errors import EnvironmentClosedError, InvalidActionError, UnknownTaskError
from newt_core.specs import load_specs


@pytest.fixture(scope="module")
def env():
    with newt_core.make("cartpole-balance") as env:
        yield env


def test_every_task_has_a_gymnasium_id():
    gym_ids.register()
    for task_id in load_specs():
        assert f"newt/{task_id}-v0" in gymnasium.registry


def test_spaces_have_the_tasks_own_sizes(env):
    assert env.observation_space.shape == (5,)
    assert env.action_space.shape == (1,)
    assert env.observation_space.dtype == env.action_space.dtype == np.float32


def test_an_episode_is_truncated_at_its_length_and_never_terminates(env):
    env.reset(seed=0)
    ends = []
    total = 0.0
    for _ in range(500):
        _, reward, terminated, truncated, info = env.step(np.zeros(1))
        total += reward
        ends.append((terminated, truncated))
    assert ends == [(False, False)] * 499 + [(False, True)]
    assert (info["terminated"], info["truncated"]) == (False, True)
    assert info["score"] == pytest.approx(total / 1000)


def test_info_has_text_and_masks_at_reset_and_at_every_step(env):
    _, at_reset = env.reset(seed=0)
    *_, at_step = env.step(np.zeros(1))
    for info in (at_reset, at_step):
        assert info["instruction"].startswith("Embodiment: ")
        assert " Instruction: " in info["instruction"]
        assert info["action_mask"].sum() == 1
        assert info["obs_mask"].sum() == 5
        assert math.isnan(info["success"])
        assert math.isfinite(info["score"])


def test_a_seed_determines_the_episodes_that_follow(env):
    def play(seed):
        rows = [env.reset(seed=seed)[0]]
        rows += [env.step(np.full(1, 0.3))[0] for _ in range(3)]
        return np.stack([*rows, env.reset()[0]])

    np.testing.assert_array_equal(play(1), play(1))
    assert not np.array_equal(play(1), play(2))
    play(2**40)  # Gymnasium allows any size


def test_actions_are_clipped(env):
    env.reset(seed=0)
    far, *_ = env.step(np.array([5.0]))
    env.reset(seed=0)
    edge, *_ = env.step(np.array([1.0]))
    np.testing.assert_array_equal(far, edge)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.zeros(2), r"shape \(2,\); it must be \(1,\)"),
        (np.array([np.nan]), r"entry \(0,\) is nan"),
        (np.array([np.inf]), r"entry \(0,\) is inf"),
    ],
)
def test_bad_actions_are_refused(env, action, message):
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match=message):
        env.step(action)


def test_a_closed_environment_says_so():
    env = newt_core.make("pendulum-swingup")
    env.close()
    env.close()
    for call in (env.reset, env.render, lambda: env.step(np.zeros(1))):
        with pytest.raises(EnvironmentClosedError, match="pendulum-swingup"):
            call()


def test_a_misspelt_task_gets_a_suggestion():
    with pytest.raises(UnknownTaskError, match="Did you mean 'walker-run'"):
        newt_core.make("waker-run")


def test_environments_without_a_render_mode_return_no_picture(env):
    assert env.render() is None
