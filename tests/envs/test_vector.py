"""The pool behind Gymnasium's vector interface."""

from __future__ import annotations

from contextlib import closing

import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

import newt_core


def test_tasks_can_be_mixed_and_repeated():
    tasks = ["pendulum-swingup", "walker-run", "walker-run"]
    with closing(newt_core.make_vec(tasks, seed=1)) as envs:
        assert envs.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
        obs, infos = envs.reset(seed=2)
        assert envs.observation_space.contains(obs)
        assert infos["action_mask"].sum(axis=1).tolist() == [1, 6, 6]
        assert "walker" in infos["instruction"][1].lower()
        obs, reward, terminated, truncated, infos = envs.step(envs.action_space.sample())
        assert envs.observation_space.contains(obs)
        assert reward.shape == terminated.shape == truncated.shape == (3,)
        assert not (terminated | truncated).any()
        np.testing.assert_array_equal(infos["final_obs"], obs)
        assert not np.array_equal(obs[1], obs[2])


def test_gymnasiums_vector_wrappers_work_on_it():
    tasks = ["pygame-landing", "pygame-reacher-easy"]
    with closing(RecordEpisodeStatistics(newt_core.make_vec(tasks, workers=1, seed=1))) as envs:
        envs.reset()
        envs.action_space.seed(0)
        total = np.zeros(2)
        for _ in range(200):
            _, reward, _, truncated, infos = envs.step(envs.action_space.sample())
            total += reward
        assert truncated.all()
        np.testing.assert_allclose(infos["episode"]["r"], total, rtol=1e-6)
        assert infos["episode"]["l"].tolist() == [200, 200]
