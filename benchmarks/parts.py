"""Time one plan, one update and ten steps of a pool, to compare two states of the code.

    PYTHONPATH=TREE python benchmarks/parts.py

Run it alternately for the two trees, with one thread each (``OMP_NUM_THREADS=1``), and compare the
medians of several runs: other work on the machine moves single ones by a tenth. Prints JSON:
seconds, the least of some repetitions.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.setup import task_table
from newt_core.envs.pool import make_pool
from newt_core.replay import Batch
from newt_core.specs import load_specs
from newt_core.training.config import resolve_config
from newt_core.types import Observation

TASKS = ("walker-run", "cartpole-swingup", "reacher-easy", "pygame-pong")
BATCH, HORIZON = 128, 3


def least(work: Callable[[], object], times: int) -> float:
    """Return the seconds of the quickest of some calls, after two that do not count."""
    work(), work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    """Measure all three and print them."""
    torch.set_num_threads(1)
    specs = load_specs().select(TASKS)
    config = resolve_config("cpu", None, [], tasks=",".join(TASKS), device="cpu")
    text = np.random.default_rng(0).normal(size=(len(specs), 512)).astype(np.float32)
    agent = NewtAgent(
        config.model,
        config.planner,
        config.update,
        task_table(specs, text),
        device=torch.device("cpu"),
    )
    actor = Actor(agent, len(specs), seed=0, settings=ActorSettings(explore=True))
    g = torch.Generator().manual_seed(0)
    ids = np.arange(len(specs))
    state = torch.randn(len(specs), 128, generator=g).numpy()
    seen = Observation(state, ids, ids, np.zeros(len(specs), np.bool_))
    batch = Batch(
        torch.randn(HORIZON + 1, BATCH, 128, generator=g),
        torch.rand(HORIZON, BATCH, 16, generator=g) * 2 - 1,
        torch.rand(HORIZON, BATCH, generator=g),
        torch.arange(BATCH) % len(specs),
    )

    def plan() -> None:
        agent.learner.updates += 1  # as if the weights had changed: to arrange them is in it
        actor(seen)

    found = {
        "plan": least(plan, 20),
        "update": least(lambda: agent.learner.update(batch, bc_coef=10.0), 40),
    }
    with make_pool(specs * 2) as pool:
        pool.reset(0)
        actions = np.random.default_rng(0).uniform(-1, 1, (2 * len(specs), 16)).astype(np.float32)
        found["pool"] = least(lambda: [pool.step(actions) for _ in range(10)], 60)
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
