"""A pool over several nodes, which stand-ins in this process play; see test_ray_cluster.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from newt_core.envs.pool import OUTSIDE_TASKS, EnvPool, EpisodeNumbers, make_pool
from newt_core.envs.pool.messages import Kind
from newt_core.envs.pool.wire import Message, pack, unpack
from newt_core.errors import (
    ConfigError,
    EnvironmentClosedError,
    EnvironmentFailure,
    MissingDependencyError,
)
from newt_core.types import Transitions
from tests.pool.stand_in_cluster import StandInCluster, pool_over
from tests.pool.toy_domain import BUILDERS, LATE, toy_spec

LENGTHS = (3, 5, 7, 11, 50)
SPECS = [toy_spec(f"toy-{length}", length) for length in LENGTHS]


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nodes run their environments in this process."""
    monkeypatch.setenv("NEWT_WORKERS", "0")


def rows_of(pool: EnvPool, numbers: EpisodeNumbers | None = None) -> list[Transitions | np.ndarray]:
    """What comes of a reset, of steps in some environments and in all, and of another reset."""
    generator = np.random.default_rng(0)
    envs = pool.num_envs
    rows: list[Transitions | np.ndarray] = [pool.reset(7, numbers), pool.episode_numbers]
    for _ in range(20):
        some = generator.permutation(envs)[: generator.integers(1, envs + 1)]
        pool.send(generator.uniform(-2, 2, (len(some), 16)), some)
        rows += [pool.recv(len(some)), pool.episode_numbers]
    rows += [pool.reset(), pool.episode_numbers]
    return [*rows, *(pool.step(generator.uniform(-2, 2, (envs, 16))) for _ in range(20))]


def assert_equal(here: Transitions | np.ndarray, there: Transitions | np.ndarray) -> None:
    if isinstance(here, Transitions):
        for name, value in vars(here).items():
            np.testing.assert_array_equal(value, getattr(there, name), err_msg=name)
    else:
        np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("frames", [0, 2])
def test_transitions_are_those_of_the_pool_on_this_machine(frames):
    with make_pool(SPECS, seed=3, frames=frames, builders=BUILDERS) as local:
        expected = rows_of(local)
    with pool_over(StandInCluster(2, 1), SPECS, seed=3, frames=frames) as pool:
        for here, there in zip(expected, rows_of(pool), strict=True):
            assert_equal(here, there)
        if frames:
            pool.reset(1)
            assert pool.frames().shape == (len(SPECS), frames, 224, 224, 3)
            np.testing.assert_array_equal(pool.frames()[:, :, 1:], 0)
        assert pool.stats.deaths == {}


def test_the_episodes_to_run_can_be_named():
    numbers = EpisodeNumbers(
        series=np.array([4, 4, 0, 9, 1]), first=np.array([0, 3, 2, 0, 8]), stride=np.full(5, 3)
    )
    with make_pool(SPECS, builders=BUILDERS) as local:
        expected = rows_of(local, numbers)
    with pool_over(StandInCluster(1, 1, 1), SPECS) as pool:
        for here, there in zip(expected, rows_of(pool, numbers), strict=True):
            assert_equal(here, there)


def test_a_step_is_one_message_to_each_node_and_one_back():
    cluster = StandInCluster(1, 1)
    with pool_over(cluster, SPECS) as pool:
        pool.reset()
        del cluster.asked[:]
        pool.step(np.zeros((5, 16)))
    assert sorted(node for node, _, _ in cluster.asked) == [0, 1]
    for node, message, answer in cluster.asked:
        hosted = pool.worker_of.count(node)
        assert len(message) == 32 + 68 * hosted
        assert len(answer) == 32 + 538 * hosted
    assert cluster.closed == 1
    with pytest.raises(EnvironmentClosedError):
        pool.reset()


def test_nodes_get_as_much_to_do_as_they_have_cores():
    with pool_over(StandInCluster(1, 3), [toy_spec()] * 8) as pool:
        assert [pool.worker_of.count(node) for node in (0, 1)] == [2, 6]


def test_two_groups_can_be_under_way_at_a_time():
    cluster = StandInCluster(1, 1)
    with pool_over(cluster, [toy_spec(length=50)] * 4) as pool:
        pool.reset()
        pool.send(np.zeros((2, 16)), [0, 1])
        pool.send(np.ones((2, 16)), [2, 3])
        transitions = pool.recv(4)
    assert transitions.reward.tolist() == [0, 0, 2, 2]


# -- a node that is lost ----------------------------------------------------------------------


def begun(cluster: StandInCluster, envs: int = 4, **options: float) -> EnvPool:
    """A pool one step into its episodes."""
    pool = pool_over(cluster, [toy_spec(length=50)] * envs, **options)  # type: ignore[arg-type]
    pool.reset()
    pool.step(np.zeros((envs, 16)))
    return pool


def die(cluster: StandInCluster) -> None:
    cluster.kill(1)


def fall_silent(cluster: StandInCluster) -> None:
    cluster.silent.add(1)


def change(**values: float) -> Callable[[bytes], bytes]:
    """Return what puts one value in each of some columns of an answer."""

    def changed(answer: bytes) -> bytes:
        reply = unpack(answer)
        columns = {name: column.copy() for name, column in reply.columns.items()}
        for name, value in values.items():
            columns[name].flat[-1] = value
        return pack(replace(reply, columns=columns))

    return changed


LIES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda answer: b"",
    "half": lambda answer: answer[:-9],
    "too much": lambda answer: answer + b"\0",
    "another program": lambda answer: b"HTTP" + answer[4:],
    "another layout": lambda answer: answer[:4] + b"\x09" + answer[5:],
    "a built": lambda answer: pack(Message(Kind.BUILT, {"env": unpack(answer)["env"]})),
    "other environments": change(env=0),
    "nan": change(reward=math.nan),
    "far": change(obs=0.0, reward=3e38),
    "padding": change(obs=1.0),
    "success": change(success=0.5),
    "score": change(score=math.inf),
    "flag": change(lost=2),
    "number": change(episode=-1),
    "ended": change(done=1),
    "no reason": lambda answer: pack(Message(Kind.FAILED, content={"error": 3})),
}


def lie(what: str) -> Callable[[StandInCluster], None]:
    return lambda cluster: cluster.says.update({1: LIES[what]})


TROUBLES = {"dies": die, "silent": fall_silent, **{what: lie(what) for what in LIES}}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_lost_node_costs_its_episodes_and_its_environments_move(trouble):
    cluster = StandInCluster(1, 1)
    with begun(cluster, patience_s=0.0, timeout=0.001) as pool:
        theirs = np.array(pool.worker_of) == 1
        trouble(cluster)
        transitions = pool.step(np.zeros((4, 16)))
        assert transitions.lost.tolist() == theirs.tolist()
        assert 0 < theirs.sum() < 4
        np.testing.assert_array_equal(transitions.obs[:, 1], np.where(theirs, 0, 2))
        np.testing.assert_array_equal(transitions.final_obs, transitions.obs)
        assert not transitions.done.any()
        assert not transitions.reward.any()
        np.testing.assert_array_equal(pool.episode_numbers, np.where(theirs, 1, 0))
        assert pool.worker_of == (0, 0, 0, 0)
        assert pool.stats.lost_episodes == theirs.sum()
        assert pool.stats.deaths == {OUTSIDE_TASKS: 1}
        assert cluster.dropped == [1]
        after = pool.step(np.zeros((4, 16)))
        assert not after.lost.any()
        np.testing.assert_array_equal(after.obs[:, 1], np.where(theirs, 1, 3))


def test_an_episode_after_a_loss_is_the_one_that_the_pool_here_would_begin():
    with make_pool([toy_spec(length=50)] * 4, builders=BUILDERS) as local:
        second = local.reset(0, EpisodeNumbers.own_series(np.ones(4, np.int64)))
    cluster = StandInCluster(1, 1)
    with begun(cluster) as pool:
        cluster.kill(1)
        transitions = pool.step(np.zeros((4, 16)))
        np.testing.assert_array_equal(transitions.obs[transitions.lost], second[transitions.lost])


def test_an_episode_that_was_lost_is_run_again_if_that_was_asked_for():
    cluster = StandInCluster(1, 1)
    series = np.arange(4)
    numbers = EpisodeNumbers(series, np.full(4, 2), np.full(4, 5), repeat_lost=True)
    with pool_over(cluster, [toy_spec(length=3)] * 4) as pool:
        first = pool.reset(5, numbers)
        for _ in range(3):
            second = pool.step(np.zeros((4, 16))).obs
        cluster.kill(0)
        again = pool.step(np.zeros((4, 16)))
        np.testing.assert_array_equal(again.obs[again.lost], second[again.lost])
        assert pool.episode_numbers.tolist() == [7] * 4
        np.testing.assert_array_equal(pool.reset(5, numbers), first)


def test_it_is_the_same_one_that_is_run_again_where_the_next_node_dies_of_it_too():
    cluster = StandInCluster(1, 1, 1)
    numbers = EpisodeNumbers(np.arange(6), np.full(6, 2), np.full(6, 5), repeat_lost=True)
    with pool_over(cluster, [toy_spec(length=3)] * 6) as pool:
        pool.reset(5, numbers)
        for _ in range(3):
            second = pool.step(np.zeros((6, 16))).obs
        cluster.kill(0)
        cluster.kill(1)
        again = pool.step(np.zeros((6, 16)))
        assert np.count_nonzero(again.lost) == 4
        np.testing.assert_array_equal(again.obs[again.lost], second[again.lost])
        assert pool.episode_numbers.tolist() == [7] * 6


def test_what_moves_is_shared_out_by_what_the_others_have_to_do_already():
    cluster = StandInCluster(1, 1, 1)
    with begun(cluster, 9) as pool:
        assert [pool.worker_of.count(node) for node in (0, 1, 2)] == [3, 3, 3]
        cluster.kill(0)
        pool.step(np.zeros((9, 16)))
        assert sorted(pool.worker_of.count(node) for node in (0, 1, 2)) == [0, 4, 5]


def test_environments_that_were_not_stepping_are_reported_at_their_next_action():
    cluster = StandInCluster(1, 1)
    with begun(cluster) as pool:
        idle, stepping = (np.flatnonzero(np.array(pool.worker_of) == 1)[at] for at in (0, 1))
        cluster.kill(1)
        for env in (stepping, idle):
            pool.send(np.zeros((1, 16)), [env])
            assert pool.recv().lost.tolist() == [True]
        assert pool.stats.lost_episodes == 2
        assert not pool.step(np.zeros((4, 16))).lost.any()


def test_a_node_that_dies_as_it_takes_over_is_lost_too():
    cluster = StandInCluster(1, 1, 1)
    with begun(cluster, 6) as pool:
        spared = np.array(pool.worker_of) == 0
        cluster.kill(1)
        cluster.kill(2)
        transitions = pool.step(np.zeros((6, 16)))
        assert transitions.lost.tolist() == (~spared).tolist()
        assert pool.worker_of == (0,) * 6
        assert pool.stats.deaths == {OUTSIDE_TASKS: 2}
        assert pool.stats.lost_episodes == 4
        # What moved is stepped and reset along with what was there.
        assert not pool.step(np.zeros((6, 16))).lost.any()
        assert pool.reset()[:, 1].tolist() == [0] * 6


def test_without_any_node_left_the_pool_ends():
    cluster = StandInCluster(1, 1)
    pool = begun(cluster)
    cluster.kill(0)
    cluster.kill(1)
    with pytest.raises(
        EnvironmentFailure, match=r"no node is left to run environments; node-\d: its machine is"
    ):
        pool.step(np.zeros((4, 16)))
    assert cluster.closed == 1
    assert pool.episode_numbers.shape == (4,)  # what a checkpoint is made of


def test_a_node_lost_at_the_start_does_not_keep_the_others_from_it():
    cluster = StandInCluster(1, 1)
    cluster.kill(0)
    with pool_over(cluster, [toy_spec()] * 3) as pool:
        pool.reset()
        assert pool.worker_of == (1, 1, 1)
        assert pool.stats.lost_episodes == 0


# -- what goes wrong within a node --------------------------------------------------------------


def test_deaths_within_nodes_are_counted_by_task(tmp_path):
    bad = toy_spec("bad", 50, trouble="raise", at=LATE, once=str(tmp_path / "happened"))
    with pool_over(StandInCluster(1, 1), [toy_spec(length=50), bad]) as pool:
        pool.reset()
        lost = [pool.step(np.zeros((2, 16))).lost.tolist() for _ in range(LATE + 2)]
        assert lost == [[False, False]] * (LATE - 1) + [[False, True]] + [[False, False]] * 2
        assert pool.stats.deaths == {"bad": 1}
        assert pool.stats.lost_episodes == 1


def test_a_task_that_keeps_failing_ends_the_run_and_its_node_is_named():
    bad = toy_spec("bad", 50, trouble="raise", at=LATE)
    with pool_over(StandInCluster(1, 1), [toy_spec(length=50), bad]) as pool:
        pool.reset()
        for _ in range(3 * LATE - 1):
            pool.step(np.zeros((2, 16)))
        with pytest.raises(EnvironmentFailure, match=r"node node-1: task 'bad' failed 3 times"):
            pool.step(np.zeros((2, 16)))
        with pytest.raises(EnvironmentClosedError):
            pool.reset()


def test_what_cannot_be_built_there_keeps_its_class(monkeypatch):
    bad = toy_spec("bad", trouble="raise", when="build")
    with pytest.raises(EnvironmentFailure, match="node-0: task 'bad' cannot be built: Arithm"):
        pool_over(StandInCluster(1), [bad])
    monkeypatch.setitem(BUILDERS, "dmcontrol", "no_such_simulator:build")
    with pytest.raises(MissingDependencyError, match=r"node-0: .* 'no_such_simulator', which is n"):
        pool_over(StandInCluster(1), [toy_spec()])


def test_another_version_of_newt_on_a_node_is_refused(monkeypatch):
    monkeypatch.setattr("newt_core.envs.pool.node.__version__", "0.0.9")
    with pytest.raises(ConfigError, match=r"node-0: this node has Newt 0\.0\.9, and .* the same"):
        pool_over(StandInCluster(1), [toy_spec()])
