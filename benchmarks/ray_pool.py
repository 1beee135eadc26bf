"""Whether a pool over a Ray cluster of two nodes does what the local one does, and loses a node.

    python benchmarks/ray_pool.py --out benchmarks/results/ray-pool.json

Both nodes are processes of this machine: what is compared are transitions, bit by bit, and what is
counted are messages. Seconds are written down beside them, and say nothing of two machines.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from newt_core.bench.timing import describe_hardware
from newt_core.envs.pool import EnvPool, make_pool
from newt_core.files import write_json
from newt_core.specs import TaskSpec, load_specs
from newt_core.types import Transitions
from newt_core.version import git_version

TASKS = "pygame-pong,pygame-cowboy,pygame-cartpole-balance"
STORE = 200 * 2**20
"""Bytes of shared memory that each node of Ray's takes: pictures do not fit in less."""


@contextmanager
def two_nodes() -> Iterator[Any]:
    """A head without CPUs, and two nodes with one each."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1, object_store_memory=STORE)
        yield cluster
    finally:
        cluster.shutdown()


class Bytes:
    """Counts what goes to a pool's nodes and comes back."""

    def __init__(self, pool: EnvPool) -> None:
        self.sent: list[int] = []
        self.received: list[int] = []
        cluster: Any = pool._crew._cluster  # type: ignore[attr-defined]
        ask, answer = cluster.ask, cluster.answer

        def counting_ask(node: int, message: bytes) -> Any:
            self.sent.append(len(message))
            return ask(node, message)

        def counting_answer(ticket: Any) -> bytes:
            data: bytes = answer(ticket)
            self.received.append(len(data))
            return data

        cluster.ask, cluster.answer = counting_ask, counting_answer

    def of_steps(self, steps: int) -> dict[str, float]:
        """Return the numbers since the beginning, and forget them."""
        found = {
            "messages_per_node_and_step": len(self.sent) / 2 / steps,
            "bytes_to_nodes_per_step": sum(self.sent) / steps,
            "bytes_from_nodes_per_step": sum(self.received) / steps,
        }
        self.sent.clear()
        self.received.clear()
        return found


def step(pool: EnvPool, generator: np.random.Generator) -> tuple[Transitions, float]:
    """Act at random everywhere; return what came of it, and the seconds."""
    actions = generator.uniform(-1, 1, (pool.num_envs, 16)).astype(np.float32)
    start = time.monotonic()
    transitions = pool.step(actions)
    return transitions, time.monotonic() - start


def differing(one: Transitions, two: Transitions) -> int:
    """Return how many arrays of two rows of transitions are not equal to the bit."""
    names = [name for name, value in vars(one).items() if value is not None]
    return sum(not same(getattr(one, name), getattr(two, name)) for name in names)


def same(one: Any, two: Any) -> bool:
    """Return whether two arrays are alike in type, shape and every bit."""
    return (
        bool(one.dtype == two.dtype and one.shape == two.shape) and one.tobytes() == two.tobytes()
    )


def compare(specs: Sequence[TaskSpec], address: str, steps: int, seed: int, frames: int) -> Any:
    """Step a pool here and one over the nodes by the same actions."""
    here, there = np.random.default_rng(seed), np.random.default_rng(seed)
    with (
        make_pool(specs, 1, seed=seed, frames=frames) as local,
        make_pool(specs, seed=seed, frames=frames, ray=address) as remote,
    ):
        beginnings = int(not same(local.reset(), remote.reset()))
        counted = Bytes(remote)
        different, ended, seconds = beginnings, 0, []
        for _ in range(steps):
            (one, _), (two, remote_s) = step(local, here), step(remote, there)
            different += differing(one, two)
            ended += int(np.count_nonzero(one.done))
            seconds.append(remote_s)
        return {
            "environments": len(specs),
            "of_each_node": [remote.worker_of.count(node) for node in (0, 1)],
            "pictures": frames,
            "steps": steps,
            "episodes_ended": ended,
            "arrays_that_differ": different,
            **counted.of_steps(steps),
            "median_step_s": round(median(seconds), 5),
        }


def lose_one(specs: Sequence[TaskSpec], cluster: Any, before: int, after: int, seed: int) -> Any:
    """Step a pool over the nodes, kill one of them, and step on."""
    generator = np.random.default_rng(seed)
    with make_pool(specs, seed=seed, ray=cluster.address) as pool:
        pool.reset()
        for _ in range(before):
            step(pool, generator)
        homes = np.array(pool.worker_of)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        killed, steps, lost = time.monotonic(), 0, np.zeros(len(specs), np.bool_)
        while not lost.any() and time.monotonic() < killed + 300:
            transitions, step_s = step(pool, generator)
            lost, steps = transitions.lost, steps + 1
        noticed_s = time.monotonic() - killed
        lost_later = 0
        for _ in range(after):
            lost_later += int(np.count_nonzero(step(pool, generator)[0].lost))
        return {
            "environments": len(specs),
            "steps_before": before,
            "steps_until_it_was_noticed": steps,
            "seconds_until_all_went_on": round(noticed_s, 2),
            "of_them_in_the_step_that_moved_the_environments": round(step_s, 2),
            "lost_rows": int(np.count_nonzero(lost)),
            "all_of_one_node": bool(len(set(homes[lost])) == 1 and set(homes[~lost]).isdisjoint(
                homes[lost])),
            "lost_episodes_counted": pool.stats.lost_episodes,
            "deaths_counted": pool.stats.deaths,
            "nodes_left": len(set(pool.worker_of)),
            "steps_after": after,
            "lost_rows_after": lost_later,
        }  # fmt: skip


def main() -> None:
    """Compare with and without pictures, kill a node, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default=TASKS)
    parser.add_argument("--each", type=int, default=2, help="environments of each task")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--picture-steps", type=int, default=60)
    parser.add_argument("--episode", type=int, default=25, help="steps of an episode, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    import ray

    specs = [
        spec.model_copy(update={"episode_length": min(options.episode, spec.episode_length)})
        for spec in load_specs().select(options.tasks)
        for _ in range(options.each)
    ]
    started = time.monotonic()
    with two_nodes() as cluster:
        states = compare(specs, cluster.address, options.steps, options.seed, 0)
        sys.stderr.write(f"{states}\n")
        pictures = compare(specs, cluster.address, options.picture_steps, options.seed, 1)
        sys.stderr.write(f"{pictures}\n")
        loss = lose_one(specs, cluster, 100, 100, options.seed)
        sys.stderr.write(f"{loss}\n")
    document = {
        "command": f"python benchmarks/ray_pool.py --tasks {options.tasks} --each {options.each} "
        f"--steps {options.steps} --picture-steps {options.picture_steps} "
        f"--episode {options.episode} --seed {options.seed}",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "ray": ray.__version__,
        "seed": options.seed,
        "wall_s": round(time.monotonic() - started, 1),
        "remark": "a busy machine, both nodes on it: the seconds are no speeds",
        "states": states,
        "with_pictures": pictures,
        "a_node_killed": loss,
    }
    if options.out:
        write_json(options.out, document)
    else:
        json.dump(document, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
