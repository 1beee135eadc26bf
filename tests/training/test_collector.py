"""Experience does not depend on the order in which environments answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from newt_core.envs.pool import Pool, make_pool
from newt_core.training.collector import Collector
from newt_core.types import ACTION_DIM, Episode, FloatArray, Observation, Transitions
from tests.fixtures.point_pool import PointPool, point_task
from tests.pool.stand_in_cluster import StandInCluster, pool_over
from tests.pool.toy_domain import BUILDERS, toy_spec

TASKS = [point_task("long", 7), point_task("short", 3), point_task("middle", 5)]
TASK_OF_ENV = np.array([2, 0, 1])
"""As if the agent's list were in another order."""


class Unordered(PointPool):
    """Answers for some of the environments that are at work, at random."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._unanswered: dict[int, FloatArray] = {}
        self._random = np.random.default_rng(0)
        self.sizes: set[int] = set()

    def send(self, actions: ArrayLike, env_ids: ArrayLike) -> None:
        rows = np.asarray(actions, np.float32)
        self._unanswered |= dict(zip(np.asarray(env_ids).tolist(), rows, strict=True))

    def recv(self, min_envs: int = 1) -> Transitions:
        count = int(self._random.integers(min_envs, len(self._unanswered) + 1))
        waiting = sorted(self._unanswered)
        chosen = sorted(self._random.choice(waiting, count, replace=False).tolist())
        self.sizes.add(count)
        super().send(np.stack([self._unanswered.pop(env) for env in chosen]), chosen)
        return super().recv(count)


def choose(seen: Observation) -> FloatArray:
    """Act by the state alone."""
    actions = np.zeros((len(seen.env_ids), ACTION_DIM), np.float32)
    actions[:, 0] = np.sin(5 * seen.state[:, 0] + seen.task)
    return actions


def by_task(episodes: list[Episode]) -> dict[int, list[Episode]]:
    return {task: [e for e in episodes if e.task == task] for task in range(len(TASKS))}


def test_environments_that_are_ready_go_on_while_others_work():
    pool = Unordered(TASKS)
    collector = Collector(pool, TASK_OF_ENV, seed=3)
    collector.begin()
    found: list[Episode] = []
    for _ in range(200):
        seen = collector.observation
        np.testing.assert_array_equal(seen.task, TASK_OF_ENV[seen.env_ids])
        collector.send(choose(seen))
        assert len(collector.observation.env_ids) == 0, "nobody waits for an action now"
        reply, episodes = collector.recv()
        np.testing.assert_array_equal(collector.observation.env_ids, reply.env_ids)
        np.testing.assert_array_equal(collector.observation.first, reply.done | reply.lost)
        found += episodes
    assert pool.sizes == {1, 2, 3}

    steady = Collector(PointPool(TASKS), TASK_OF_ENV, seed=3)
    steady.begin()
    expected: list[Episode] = []
    for _ in range(200):
        expected += steady.step(choose(steady.observation))[1]
    for task, episodes in by_task(found).items():
        assert len(episodes) > 10
        for one, other in zip(episodes, by_task(expected)[task], strict=False):
            np.testing.assert_array_equal(one.obs, other.obs)
            np.testing.assert_array_equal(one.action, other.action)
            np.testing.assert_array_equal(one.reward, other.reward)


def test_what_was_begun_here_is_gone_on_with_over_nodes_and_back():
    specs = [toy_spec("long", 50), toy_spec("short", 3), toy_spec("middle", 5)]

    def collector(pool: Pool, state: dict[str, Any] | None = None) -> Collector:
        made = Collector(pool, TASK_OF_ENV, seed=3)
        if state is not None:
            made.load_state_dict(state)
        made.begin()
        return made

    def made(steps: int, run: Collector) -> list[FloatArray]:
        return [run.step(choose(run.observation))[0].obs for _ in range(steps)]

    with make_pool(specs, builders=BUILDERS) as local:
        steady = made(20, collector(local))
    with make_pool(specs, builders=BUILDERS) as local:
        run = collector(local)
        rows = made(7, run)
        state = run.state_dict()
    with pool_over(StandInCluster(1, 1), specs) as nodes:
        run = collector(nodes, state)
        rows += made(6, run)
        state = run.state_dict()
    with make_pool(specs, builders=BUILDERS) as local:
        rows += made(7, collector(local, state))
    np.testing.assert_array_equal(rows, steady)
