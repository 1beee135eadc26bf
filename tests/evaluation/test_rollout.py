from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest

from newt_core.envs.pool import make_pool
from newt_core.errors import ConfigError
from newt_core.evaluation import EpisodeResult, evaluate, random_act, rollout
from newt_core.specs import load_specs
from newt_core.types import ACTION_DIM, FloatArray, Observation
from tests.evaluation.counting_pool import CountingPool, task

SHORT, LONG = task("short", 2), task("long", 5)


def pay(amounts: np.ndarray) -> FloatArray:
    actions = np.zeros((len(amounts), ACTION_DIM), np.float32)
    actions[:, 0] = amounts
    return actions


def pay_one_plus_episode(observation: Observation) -> FloatArray:
    return pay(1 + observation.state[:, 1])


def test_every_task_runs_exactly_the_episodes_asked_for():
    pool = CountingPool([SHORT, LONG])
    results = evaluate(pay_one_plus_episode, [SHORT, LONG], 3, pool=pool, seed=7)
    # Episode e pays 1 + e per step: 2 steps make 2, 4, 6 and 5 steps make 5, 10, 15.
    assert [(r.task, r.episode_return, r.score, r.length) for r in results] == [
        ("short", 2.0, 2.0, 2),
        ("short", 4.0, 4.0, 2),
        ("short", 6.0, 6.0, 2),
        ("long", 5.0, 5.0, 5),
        ("long", 10.0, 10.0, 5),
        ("long", 15.0, 15.0, 5),
    ]
    assert all(np.isnan(r.success) for r in results)
    assert pool.seeds == [7]


def test_finished_tasks_cost_nothing_more():
    pool = CountingPool([SHORT, LONG])
    planned = Counter[int]()

    def act(observation: Observation) -> FloatArray:
        planned.update(observation.env_ids.tolist())
        return pay(np.ones(len(observation.state)))

    evaluate(act, [SHORT, LONG], 2, pool=pool)
    # 2 episodes x 2 steps and 2 episodes x 5 steps; in lock-step it would be 10 and 10.
    assert planned == {0: 4, 1: 10}
    assert pool.sent == [[0, 1]] * 4 + [[1]] * 6


def test_episodes_are_shared_among_a_tasks_environments():
    pool = CountingPool([SHORT, LONG, SHORT])
    results = evaluate(pay_one_plus_episode, [LONG, SHORT], 3, pool=pool)
    # Environment 0 runs the short episodes 0 and 2, environment 2 runs 1; in their order, and the
    # very same that a single environment would have run.
    assert [(r.task, r.episode_return) for r in results] == [
        ("long", 5.0),
        ("long", 10.0),
        ("long", 15.0),
        ("short", 2.0),
        ("short", 4.0),
        ("short", 6.0),
    ]


def test_environments_of_other_tasks_are_left_alone():
    pool = CountingPool([SHORT, LONG])
    results = evaluate(pay_one_plus_episode, [LONG], 1, pool=pool, task_ids=[1])
    assert [r.task for r in results] == ["long"]
    assert pool.sent == [[1]] * 5


def test_a_pool_of_its_own_knows_the_agents_numbers_of_tasks(monkeypatch):
    opened: list[tuple[int, int | None, int]] = []

    @contextmanager
    def open_pool(specs, workers=None, seed=0):
        opened.append((len(specs), workers, seed))
        yield CountingPool(specs)

    monkeypatch.setattr(rollout, "make_pool", open_pool)
    told: list[tuple[int, int]] = []

    def act(observation: Observation) -> FloatArray:
        assert set(observation.task.tolist()) == {4}
        return pay(np.ones(len(observation.state)))

    evaluate(
        act,
        [SHORT],
        3,
        envs_per_task=2,
        workers=1,
        seed=6,
        task_ids=[4],
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert opened == [(2, 1, 6)]
    assert told[-1] == (6, 6)


def test_the_agent_is_told_its_own_task_index_and_where_episodes_begin():
    pool = CountingPool([LONG, SHORT, SHORT])
    calls: list[tuple[list[int], list[int], list[bool]]] = []

    def act(observation: Observation) -> FloatArray:
        now = observation
        calls.append((now.task.tolist(), now.env_ids.tolist(), now.first.tolist()))
        # What the environment says of itself agrees.
        assert np.array_equal(now.state[:, 0], now.env_ids)
        assert now.episode is not None
        assert np.array_equal(now.state[:, 1], now.episode)
        assert np.array_equal(now.state[:, 2] == 0, now.first)
        return pay(np.ones(len(now.state)))

    evaluate(act, [SHORT, LONG], 2, pool=pool, task_ids=[4, 9])
    assert calls[0] == ([9, 4, 4], [0, 1, 2], [True] * 3)
    assert calls[1] == ([9, 4, 4], [0, 1, 2], [False] * 3)
    # Each short environment owed one episode; the long one goes on alone.
    assert calls[2] == ([9], [0], [False])
    assert calls[5] == ([9], [0], [True])
    assert len(calls) == 10


def test_a_lost_episode_is_run_again_from_its_start():
    pool = CountingPool([LONG], lose=[(0, 1)])
    firsts: list[bool] = []

    def act(observation: Observation) -> FloatArray:
        firsts.append(bool(observation.first[0]))
        return pay_one_plus_episode(observation)

    results = evaluate(act, [LONG], 2, pool=pool)
    # The second episode breaks off after a step, and begins anew: 5 + 1 + 5 steps.
    assert [(r.episode_return, r.length) for r in results] == [(5.0, 5), (10.0, 5)]
    assert [step for step, first in enumerate(firsts) if first] == [0, 5, 6]
    assert len(firsts) == 11


def test_progress_counts_steps():
    seen: list[tuple[int, int]] = []
    pool = CountingPool([SHORT, LONG])
    evaluate(
        pay_one_plus_episode,
        [SHORT, LONG],
        2,
        pool=pool,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    # Twice two steps of one task beside twice five of the other: at first two at a time.
    assert seen == [(done, 14) for done in (2, 4, 6, 8, 9, 10, 11, 12, 13, 14)]


def test_small_rewards_add_up():
    pool = CountingPool([task("fine", 10_000)])

    def act(observation: Observation) -> FloatArray:
        return pay(np.full(len(observation.state), 0.1))

    [result] = evaluate(act, pool.specs, 1, pool=pool)
    assert result.episode_return == pytest.approx(10_000 * float(np.float32(0.1)), rel=1e-12)


def test_what_cannot_be_evaluated():
    pool = CountingPool([SHORT])
    with pytest.raises(ConfigError, match="no environment of the task 'long'"):
        evaluate(pay_one_plus_episode, [LONG], 1, pool=pool)
    with pytest.raises(ConfigError, match="0 episodes"):
        evaluate(pay_one_plus_episode, [SHORT], 0, pool=pool)
    with pytest.raises(ConfigError, match="0 tasks"):
        evaluate(pay_one_plus_episode, [], 1, pool=pool)


def test_random_actions_fill_the_valid_entries_evenly_and_no_other():
    specs = [task("two", 1, action_dim=2), task("five", 1, action_dim=5)]
    rows, numbers = np.tile([0, 1], 4000), np.arange(8000)
    state = np.zeros((8000, 128), np.float32)
    now = Observation(state, rows, numbers, rows >= 0, episode=numbers)
    actions = random_act(specs, 0)(now)
    assert actions.dtype == np.float32
    assert actions.shape == (8000, ACTION_DIM)
    for row, dims in ((0, 2), (1, 5)):
        valid, rest = actions[row::2, :dims], actions[row::2, dims:]
        assert not rest.any()
        # Uniform on [-1, 1]: mean 0, variance 1/3; 4000 draws know both to about 0.01.
        assert np.abs(valid).max() <= 1.0
        assert np.abs(valid.mean(0)).max() < 0.05
        assert np.abs(valid.var(0) - 1 / 3).max() < 0.03


def run_cartpole(workers: int, seed: int) -> list[EpisodeResult]:
    specs = load_specs().select("cartpole-balance,pendulum-swingup")
    with make_pool(specs, workers) as pool:
        act = random_act(specs, seed)
        return evaluate(act, specs, 1, pool=pool, seed=seed)


def test_real_tasks_give_the_same_result_for_the_same_seed_however_they_are_spread():
    one, two = run_cartpole(workers=0, seed=3), run_cartpole(workers=2, seed=3)
    assert repr(one) == repr(two)  # As text, because their success is NaN.
    assert [r.task for r in one] == ["cartpole-balance", "pendulum-swingup"]
    assert all(r.length == 500 and 0 <= r.episode_return <= 1000 for r in one)
    assert all(r.score == pytest.approx(r.episode_return / 1000, rel=1e-4) for r in one)
    assert repr(run_cartpole(workers=0, seed=4)) != repr(one)
