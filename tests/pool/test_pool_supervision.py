"""Workers that die, hang or report errors."""

from __future__ import annotations

import os
import re
import signal
from contextlib import nullcontext

import numpy as np
import pytest

from newt_core.envs.pool import OUTSIDE_TASKS, EnvPool, make_pool
from newt_core.envs.session import LARGEST
from newt_core.envs.task_env import TaskEnv
from newt_core.errors import EnvironmentFailure, MissingDependencyError, SpecError
from newt_core.specs import SuccessScore
from newt_core.types import Transitions
from tests.pool.toy_domain import BUILDERS, LATE, toy_spec, worker_pids


def _step(pool: EnvPool) -> Transitions:
    return pool.step(np.zeros((pool.num_envs, 16)))


def _step_until_late(pool: EnvPool) -> None:
    """Step up to where the next step is the one that goes wrong."""
    for _ in range(LATE - 1):
        assert not _step(pool).lost.any()


def test_a_killed_worker_is_replaced_and_its_episodes_are_reported_lost():
    with make_pool([toy_spec(length=50)] * 4, workers=2, builders=BUILDERS) as pool:
        first = pool.reset()
        _step(pool)
        os.kill(worker_pids(pool)[0], signal.SIGKILL)
        transitions = _step(pool)
        lost = transitions.lost
        assert lost.tolist() == [worker == 0 for worker in pool.worker_of]
        assert lost.any()
        assert not lost.all()
        # A lost row begins a new episode and says nothing about the action.
        np.testing.assert_array_equal(transitions.obs[lost, 1], 0)
        np.testing.assert_array_equal(transitions.final_obs[lost], transitions.obs[lost])
        assert (transitions.obs[lost, 0] != first[lost, 0]).all()
        assert not transitions.reward[lost].any()
        assert not transitions.done.any()
        # The other worker's episodes were not touched.
        np.testing.assert_array_equal(transitions.obs[~lost, 1], 2)
        after = _step(pool)
        np.testing.assert_array_equal(after.obs[:, 1], np.where(lost, 1, 3))
        assert not after.lost.any()
        assert pool.stats.lost_episodes == lost.sum()
        assert pool.stats.deaths == {OUTSIDE_TASKS: 1}


def test_environments_that_were_not_stepping_are_reported_at_their_next_action():
    with make_pool([toy_spec(length=50)] * 2, workers=1, builders=BUILDERS) as pool:
        pool.reset()
        os.kill(worker_pids(pool)[0], signal.SIGKILL)
        pool.send(np.zeros((1, 16)), [0])
        assert pool.recv().lost.tolist() == [True]
        pool.send(np.zeros((1, 16)), [1])
        assert pool.recv().lost.tolist() == [True]
        assert _step(pool).obs[:, 1].tolist() == [1, 1]


@pytest.mark.parametrize("trouble", ["crash", "exit", "hang", "raise"])
def test_trouble_in_a_simulator_costs_an_episode_and_the_run_goes_on(trouble, tmp_path):
    bad = toy_spec("bad", length=50, trouble=trouble, at=LATE, once=str(tmp_path / "happened"))
    with make_pool([bad, toy_spec(length=50)], workers=2, timeout=1.0, builders=BUILDERS) as pool:
        pool.reset()
        _step_until_late(pool)
        lost = [_step(pool).lost.tolist() for _ in range(LATE + 2)]
        assert lost == [[True, False]] + [[False, False]] * (LATE + 1)
        assert pool.stats.deaths == {"bad": 1}
        assert pool.stats.lost_episodes == 1


def test_an_error_in_one_environment_spares_its_neighbours(tmp_path):
    bad = toy_spec("bad", length=50, trouble="raise", at=LATE, once=str(tmp_path / "happened"))
    with make_pool([toy_spec(length=50), bad], workers=1, builders=BUILDERS) as pool:
        pool.reset()
        _step_until_late(pool)
        transitions = _step(pool)
        assert transitions.lost.tolist() == [False, True]
        assert transitions.obs[:, 1].tolist() == [LATE, 0]


USELESS = [
    ("observes", "nan", "entry 0 of the observation is nan, which is not finite"),
    ("observes", "-inf", "entry 0 of the observation is -inf, which is not finite"),
    ("observes", "3e38", "entry 0 of the observation is 3e+38, which is beyond ±1,000,000"),
    ("observes", "-1.1e6", "entry 0 of the observation is -1.1e+06, which is beyond ±1,000,000"),
    ("rewards", "nan", "the reward is nan, which is not finite"),
    ("rewards", "3e38", "the reward is 3e+38, which is beyond ±1,000,000"),
    ("rewards", "-1e300", "the reward is -1e+300, which is beyond ±1,000,000"),
]
"""What a simulator may do, with which value → what is said about it."""


@pytest.mark.parametrize(("trouble", "value", "said"), USELESS[::4])
def test_values_that_no_learner_could_use_count_as_an_error(trouble, value, said, tmp_path):
    once = str(tmp_path / "happened")
    bad = toy_spec("bad", length=50, trouble=trouble, value=value, at=LATE, once=once)
    with make_pool([bad], builders=BUILDERS) as pool:
        pool.reset()
        _step_until_late(pool)
        assert _step(pool).lost.tolist() == [True]
        transitions = _step(pool)
        assert transitions.lost.tolist() == [False]
        assert np.abs(transitions.obs).max() < 10


@pytest.mark.parametrize(("trouble", "value", "said"), USELESS[2::3])
def test_a_task_that_keeps_returning_such_values_ends_the_run_and_is_named(trouble, value, said):
    bad = toy_spec("bad", length=50, trouble=trouble, value=value, at=1)
    said = re.escape(said)
    with pytest.raises(EnvironmentFailure, match=f"task 'bad': {said}"):
        make_pool([bad], builders=BUILDERS)  # It makes a few steps.
    late = toy_spec("bad", length=50, trouble=trouble, value=value, at=LATE)
    with make_pool([late], builders=BUILDERS) as pool:
        pool.reset()
        for _ in range(3 * LATE - 1):
            _step(pool)
        with pytest.raises(EnvironmentFailure, match=f"task 'bad' failed 3 times.*{said}"):
            _step(pool)


@pytest.mark.parametrize(("trouble", "value", "said"), USELESS)
def test_an_environment_of_its_own_refuses_such_values_too(trouble, value, said):
    bad = toy_spec("bad", trouble=trouble, value=value, at=2)
    env = TaskEnv(bad, builders=BUILDERS)
    env.reset(seed=0)
    env.step(np.zeros(2))
    with pytest.raises(EnvironmentFailure, match=f"^task 'bad': {re.escape(said)}"):
        env.step(np.zeros(2))


def test_the_largest_values_allowed_pass():
    for trouble in ("observes", "rewards"):
        spec = toy_spec(trouble=trouble, value=LARGEST, at=1)
        env = TaskEnv(spec, builders=BUILDERS)
        env.reset(seed=0)
        obs, reward, *_ = env.step(np.zeros(2))
        assert max(obs[0], reward) == LARGEST


@pytest.mark.parametrize("value", ["5", "-3", "0.5", "inf"])
def test_a_success_is_0_or_1_or_not_known(value):
    spec = toy_spec(trouble="succeeds", value=value, at=1)
    env = TaskEnv(spec, builders=BUILDERS)
    env.reset(seed=0)
    with pytest.raises(EnvironmentFailure, match=f"'toy': success is {value}, but it must be 0"):
        env.step(np.zeros(2))


def test_a_score_that_is_the_success_needs_one():
    unknown = toy_spec(trouble="succeeds", value="nan", at=1)
    by_success = unknown.model_copy(update={"score": SuccessScore()})
    TaskEnv(unknown, builders=BUILDERS)
    for spec, refused in (
        (unknown, nullcontext()),
        (by_success, pytest.raises(EnvironmentFailure)),
    ):
        env = TaskEnv(spec, builders=BUILDERS)
        env.reset(seed=0)
        with refused:
            env.step(np.zeros(2))


@pytest.mark.parametrize("in_the_pool", [True, False])
def test_what_an_environment_says_is_shown_as_one_printable_line(in_the_pool):
    says = "\x1b[31mred\x1b[0m\nand\x07 more"
    bad = toy_spec("bad", length=50, trouble="raise", says=says, at=LATE)
    with pytest.raises(EnvironmentFailure, match=r"ArithmeticError.*: red and") as caught:  # noqa: PT012
        if in_the_pool:
            with make_pool([bad], builders=BUILDERS) as pool:
                pool.reset()
                for _ in range(3 * LATE):
                    _step(pool)
        else:
            env = TaskEnv(bad, builders=BUILDERS)
            env.reset(seed=0)
            for _ in range(LATE):
                env.step(np.zeros(2))
    assert str(caught.value).isprintable()
    assert "(toy_domain.py, line " in str(caught.value)


@pytest.mark.parametrize(
    ("trouble", "last_error"),
    [
        ("crash", "its process was ended by SIGSEGV"),
        ("exit", "its process ended with exit code 7"),
        ("hang", "no sign of life for 0.5 s"),
        ("raise", "ArithmeticError in step: the counter overflowed"),
    ],
)
def test_three_deaths_of_a_task_end_the_run(trouble, last_error):
    bad = toy_spec("bad", length=50, trouble=trouble, at=LATE)
    pool = make_pool([toy_spec(), bad], workers=2, timeout=0.5, builders=BUILDERS)
    pool.reset()
    for _ in range(3 * LATE - 1):
        _step(pool)
    with pytest.raises(EnvironmentFailure, match=f"task 'bad' failed 3 times.*{last_error}"):
        _step(pool)
    assert pool.stats.deaths == {"bad": 3}
    # The pool has closed itself: no worker is left.
    for pid in worker_pids(pool):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_worker_that_keeps_dying_outside_its_tasks_ends_the_run_too():
    with make_pool([toy_spec(length=50)], builders=BUILDERS) as pool:
        pool.reset()

        def kill_and_step():
            os.kill(worker_pids(pool)[0], signal.SIGKILL)
            return _step(pool)

        assert kill_and_step().lost[0]
        assert kill_and_step().lost[0]
        with pytest.raises(EnvironmentFailure, match="environment workers died 3 times"):
            kill_and_step()


def test_a_death_while_resetting_is_survived(tmp_path):
    bad = toy_spec("bad", trouble="exit", when="reset", once=str(tmp_path / "happened"))
    with make_pool([bad], builders=BUILDERS) as pool:  # measuring its cost resets it
        assert pool.stats.deaths == {"bad": 1}
        assert pool.reset()[0, 1] == 0
        assert not _step(pool).lost.any()


def test_a_task_that_cannot_be_built_is_named():
    bad = toy_spec("bad", trouble="raise", when="build")
    with pytest.raises(
        EnvironmentFailure, match="task 'bad' cannot be built: ArithmeticError: the counter over"
    ):
        make_pool([toy_spec(), bad], workers=2, builders=BUILDERS)


def test_a_task_that_crashes_while_being_built_is_named():
    bad = toy_spec("bad", trouble="crash", when="build")
    with pytest.raises(EnvironmentFailure, match=r"task 'bad' failed 3 times.*SIGSEGV"):
        make_pool([toy_spec(), bad], workers=2, builders=BUILDERS)


def test_user_mistakes_found_in_a_worker_keep_their_class():
    with pytest.raises(MissingDependencyError, match="package 'no_such_simulator'"):
        make_pool([toy_spec()], builders={"dmcontrol": "no_such_simulator:build"})
    with pytest.raises(SpecError, match="has no function 'biuld'"):
        make_pool([toy_spec()], builders={"dmcontrol": "tests.pool.toy_domain:biuld"})
