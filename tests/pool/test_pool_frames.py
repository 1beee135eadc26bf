"""Pictures beside the states: drawn by the workers, stacked, kept at an episode's end."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from newt_core.envs.pool import make_pool
from newt_core.errors import ConfigError, PoolStateError
from tests.pool.toy_domain import BUILDERS, LATE, toy_spec

ONES = np.ones((2, 16), dtype=np.float32)


def reds(frames: np.ndarray | None) -> list[list[int]]:
    """The toy's picture is as red as the steps since its reset: [E, F]."""
    assert frames is not None
    assert frames.dtype == np.uint8
    assert frames.shape[2:] == (224, 224, 3)
    assert (frames[:, :, 0] == 255).all()
    assert (frames[:, :, 1:, :, 1:] == 0).all()
    return frames[:, :, 100, 100, 0].tolist()


def test_the_newest_picture_belongs_to_the_observation():
    with make_pool([toy_spec(), toy_spec()], workers=2, builders=BUILDERS, frames=1) as pool:
        pool.reset()
        assert reds(pool.frames()) == [[0], [0]]
        for step in range(1, 4):
            done = pool.step(ONES)
            assert reds(done.frames) == [[step], [step]] == reds(pool.frames())
            assert reds(done.final_frames) == [[step], [step]]


def test_a_stack_begins_with_copies_and_never_reaches_into_the_episode_before():
    specs = [toy_spec(length=3), toy_spec(length=9)]
    with make_pool(specs, workers=1, builders=BUILDERS, frames=3) as pool:
        pool.reset()
        assert reds(pool.frames()) == [[0, 0, 0]] * 2
        assert reds(pool.step(ONES).frames) == [[0, 0, 1]] * 2
        assert reds(pool.step(ONES).frames) == [[0, 1, 2]] * 2
        end = pool.step(ONES)
        assert end.done.tolist() == [True, False]
        assert reds(end.final_frames) == [[1, 2, 3]] * 2
        assert reds(end.frames) == [[0, 0, 0], [1, 2, 3]]
        assert reds(pool.step(ONES).frames) == [[0, 0, 1], [2, 3, 4]]


def test_a_partial_reply_has_the_pictures_of_its_environments(tmp_path: Path):
    barrier = tmp_path / "barrier"
    specs = [toy_spec("slow", behind=str(barrier), length=50), toy_spec("fast", length=50)]
    with make_pool(specs, workers=2, builders=BUILDERS, frames=1) as pool:
        pool.reset()
        barrier.touch()
        pool.send(ONES, [0, 1])
        first = pool.recv(1)
        assert first.env_ids.tolist() == [1]
        assert reds(first.frames) == [[1]]
        with pytest.raises(PoolStateError, match="not ready"):
            pool.frames()
        barrier.unlink()
        assert reds(pool.recv(1).frames) == [[1]]


def test_a_lost_environment_shows_its_new_episode(tmp_path: Path):
    once = str(tmp_path / "once")
    specs = [toy_spec(length=50, trouble="crash", at=LATE, once=once), toy_spec(length=50)]
    with make_pool(specs, workers=2, builders=BUILDERS, frames=2) as pool:
        pool.reset()
        for _ in range(LATE - 1):
            pool.step(ONES)
        done = pool.step(ONES)
        assert done.lost.tolist() == [True, False]
        assert reds(done.frames)[0] == reds(done.final_frames)[0] == [0, 0]
        assert reds(done.frames)[1] == [LATE - 1, LATE]


def test_a_pool_of_states_draws_nothing():
    with make_pool([toy_spec()], builders=BUILDERS) as pool:
        pool.reset()
        assert pool.step(ONES[:1]).frames is None
        with pytest.raises(PoolStateError, match="frames=1 or more"):
            pool.frames()
    with pytest.raises(ConfigError, match="frames is -1"):
        make_pool([toy_spec()], builders=BUILDERS, frames=-1)


@pytest.mark.skipif(
    os.environ.get("MUJOCO_GL", "egl") != "egl", reason="OpenGL is switched off in this process"
)
def test_pictures_of_a_real_task_are_those_of_its_own_environment():
    import newt_core

    tasks = ["pendulum-swingup", "cartpole-balance"]
    envs = newt_core.make_vec(tasks, workers=1, obs="both", frame_stack=2)
    obs, _ = envs.reset(seed=3)
    assert envs.observation_space.contains(obs)
    again, _, _, _, infos = envs.step(np.ones((2, 16), dtype=np.float32))
    envs.close()
    assert envs.observation_space.contains(again)
    np.testing.assert_array_equal(again["rgb"][:, 0], obs["rgb"][:, 1])
    np.testing.assert_array_equal(infos["final_obs"]["rgb"], again["rgb"])
    assert (again["rgb"][:, 0] != again["rgb"][:, 1]).any(axis=(1, 2, 3)).all()
    assert again["rgb"].std(axis=(2, 3)).min() > 5
