"""A pool over a Ray cluster of two nodes on this machine, where Ray is installed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from newt_core.envs.pool import OUTSIDE_TASKS, EnvPool, make_pool
from newt_core.specs import load_specs
from newt_core.types import Transitions

pytest.importorskip("ray")

TASKS = "pygame-pong,pygame-cowboy,pygame-cartpole-balance"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without CPUs, and two nodes with one each."""
    from ray.cluster_utils import Cluster

    small = {"include_dashboard": False, "object_store_memory": 80 * 2**20}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    for _ in range(2):
        made.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    yield made
    made.shutdown()


def steps(pool: EnvPool, count: int) -> list[Transitions]:
    generator = np.random.default_rng(0)
    pool.reset(seed=5)
    size = (pool.num_envs, 16)
    return [pool.step(generator.uniform(-1, 1, size)) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_transitions_are_those_of_the_pool_here_and_a_killed_node_costs_its_episodes(cluster):
    specs = load_specs().select(TASKS) * 2
    with make_pool(specs) as local:
        expected = steps(local, 300)
    with make_pool(specs, ray=cluster.address) as pool:
        for here, there in zip(expected, steps(pool, 300), strict=True):
            for name, value in vars(here).items():
                np.testing.assert_array_equal(value, getattr(there, name), err_msg=name)
        homes = np.array(pool.worker_of)
        assert set(homes) == {0, 1}
        cluster.remove_node(sorted(cluster.worker_nodes, key=lambda node: node.node_id)[0],
                            allow_graceful=False)  # fmt: skip
        deadline = time.monotonic() + 300
        lost = np.zeros(len(specs), np.bool_)
        while not lost.any():
            assert time.monotonic() < deadline
            lost = pool.step(np.zeros((len(specs), 16))).lost
        assert lost.tolist() in [(homes == node).tolist() for node in (0, 1)]
        assert pool.stats.deaths == {OUTSIDE_TASKS: 1}
        assert pool.stats.lost_episodes == lost.sum()
        assert len(set(pool.worker_of)) == 1
        for _ in range(50):
            assert not pool.step(np.zeros((len(specs), 16))).lost.any()
