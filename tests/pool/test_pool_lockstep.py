"""Stepping all environments together."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.envs.pool import make_pool
from newt_core.envs.session import open_session
from newt_core.errors import ConfigError
from newt_core.specs import load_specs
from newt_core.types import Transitions
from tests.pool.toy_domain import BUILDERS, toy_spec, worker_pids

DMCONTROL = ["cartpole-swingup", "walker-run", "finger-spin", "reacher-easy", "quadruped-walk"]


def _random_actions(steps: int, num_envs: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (steps, num_envs, 16)).astype(np.float32)


def test_rows_are_padded_and_in_order():
    with make_pool([toy_spec(), toy_spec(), toy_spec()], workers=2, builders=BUILDERS) as pool:
        obs = pool.reset()
        actions = np.full((3, 16), 0.25, dtype=np.float32)
        transitions = pool.step(actions)
    assert obs.shape == (3, 128)
    assert obs.dtype == np.float32
    assert not obs[:, 3:].any()
    assert transitions.env_ids.tolist() == [0, 1, 2]
    # Two of the sixteen action entries reach the simulator.
    np.testing.assert_allclose(transitions.reward, 0.5)
    np.testing.assert_array_equal(transitions.obs[:, 1], 1)
    np.testing.assert_array_equal(transitions.obs, transitions.final_obs)
    assert not transitions.lost.any()


def test_actions_are_clipped():
    with make_pool([toy_spec()], builders=BUILDERS) as pool:
        pool.reset()
        transitions = pool.step(np.full((1, 16), 7.0))
    assert transitions.reward[0] == 2.0
    # What was executed is what the transition says: two entries are the task's.
    np.testing.assert_array_equal(transitions.action, [[1.0] * 2 + [0.0] * 14])


def test_an_episode_has_its_length_and_restarts_in_the_same_step():
    with make_pool([toy_spec(length=5), toy_spec(length=3)], builders=BUILDERS) as pool:
        first = pool.reset()
        ones = np.ones((2, 16), dtype=np.float32)
        history = [pool.step(ones) for _ in range(5)]
    assert [t.done.tolist() for t in history] == [
        [False, False],
        [False, False],
        [False, True],
        [False, False],
        [True, False],
    ]
    last = history[-1]
    assert last.final_obs[0, 1] == 5  # the old episode's end
    assert last.obs[0, 1] == 0  # the new one's start
    assert last.obs[0, 0] != first[0, 0]  # with luck of its own
    assert last.success[0] == 1.0
    np.testing.assert_allclose(last.score[0], 1.0)  # five rewards of 2, of at most 10
    assert history[3].obs[1, 1] == 1


def _trajectory(workers: int, reset_seed: int | None = None) -> list[np.ndarray]:
    library = load_specs()
    specs = [library[name].model_copy(update={"episode_length": 4}) for name in DMCONTROL]
    actions = _random_actions(9, len(specs))
    with make_pool(specs, workers=workers, seed=3) as pool:
        rows = [pool.reset(reset_seed)]
        for action in actions:
            transitions = pool.step(action)
            rows += [transitions.obs, transitions.final_obs, transitions.reward]
    return rows


def test_the_number_of_workers_changes_nothing():
    for one, two in zip(_trajectory(1), _trajectory(2), strict=True):
        np.testing.assert_array_equal(one, two)


def test_reset_with_a_seed_repeats_a_run_and_without_one_goes_on():
    with make_pool([toy_spec(), toy_spec()], seed=3, builders=BUILDERS) as pool:
        first = pool.reset()
        second = pool.reset()
        again = pool.reset(seed=3)
        other = pool.reset(seed=4)
    np.testing.assert_array_equal(first, again)
    assert (first[:, 0] != second[:, 0]).all()
    assert (first[:, 0] != other[:, 0]).all()
    assert first[0, 0] != first[1, 0]  # equal tasks, different episodes


def test_the_pool_steps_as_a_single_environment_does():
    spec = load_specs()["cheetah-run"]
    actions = _random_actions(20, 1)
    with make_pool([spec], seed=5) as pool:
        first = pool.reset()
        pooled = [pool.step(action) for action in actions]
    session = open_session(spec)
    # The seed of environment 0's first episode.
    seed = int(np.random.SeedSequence(5, spawn_key=(0, 0)).generate_state(1)[0])
    np.testing.assert_array_equal(session.reset(seed), first[0, : spec.obs_dim])
    for transitions, action in zip(pooled, actions, strict=True):
        outcome = session.step(action[0, : spec.action_dim])
        np.testing.assert_array_equal(transitions.obs[0, : spec.obs_dim], outcome.obs)
        assert transitions.reward[0] == np.float32(outcome.reward)
        assert np.isnan(transitions.success[0])


def test_returned_arrays_belong_to_the_caller():
    def copy(t: Transitions) -> list[np.ndarray]:
        return [t.obs.copy(), t.final_obs.copy(), t.reward.copy(), t.done.copy()]

    with make_pool([toy_spec()], builders=BUILDERS) as pool:
        first_obs = pool.reset()
        kept_obs = first_obs.copy()
        first = pool.step(np.ones((1, 16)))
        kept = copy(first)
        for _ in range(5):
            pool.step(np.zeros((1, 16)))
    np.testing.assert_array_equal(first_obs, kept_obs)
    for now, then in zip(copy(first), kept, strict=True):
        np.testing.assert_array_equal(now, then)


def test_there_are_never_more_workers_than_environments():
    with make_pool([toy_spec()], workers=8, builders=BUILDERS) as pool:
        assert len(worker_pids(pool)) == 1


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"timeout": 0.0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is .*; it must be a"):
        make_pool([toy_spec()], builders=BUILDERS, **wrong)


def test_an_empty_pool_is_refused():
    with pytest.raises(ConfigError, match="at least one task"):
        make_pool([])
