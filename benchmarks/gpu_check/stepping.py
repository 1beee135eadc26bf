"""One step of all environments without simulators: acting, and the updates that are due."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from benchmarks.gpu_check.measurement import Given, config_of, seconds_per_call
from benchmarks.gpu_check.planning import graphs_made
from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.config import ModelConfig
from newt_core.model.world_model import TaskTable
from newt_core.replay import ReplayBuffer
from newt_core.types import ACTION_DIM, STATE_DIM, TEXT_DIM, Episode, Observation

EPISODE = 50
STEPS = 100_000_000
"""Of the paper's run."""
WAITING = "synchronizing"
"""What PyTorch's warnings of operations that wait for a GPU have in them."""


class Stepping:
    """An agent in environments that show random numbers.

    Args:
        given: How much.
        precision: Number format of planning and learning.
        compiled: Whether planner and losses are compiled.
    """

    def __init__(self, given: Given, precision: str, *, compiled: bool = False) -> None:
        envs, changes = given.envs, {**config_of(precision), "compile": compiled}
        g = np.random.default_rng(0)
        text = torch.from_numpy(g.normal(size=(envs, TEXT_DIM)).astype(np.float32))
        table = TaskTable(text, torch.ones(envs, ACTION_DIM), torch.full((envs,), 0.99))
        update = UpdateConfig(batch_size=given.batch, **changes)
        planner = given.planner.model_copy(update=changes)
        model = ModelConfig.model_validate({"size": given.size})
        self.agent = NewtAgent(
            model,
            planner,
            update,
            table,
            device=given.device,
        )
        self.actor = Actor(self.agent, envs, seed=0, settings=ActorSettings(explore=True))
        storage = str(given.device) if given.device.type == "cuda" else "ram"
        self.replay = ReplayBuffer((EPISODE + 1) * envs, storage=storage, device=self.agent.device)
        for task in range(envs):
            self.replay.add(
                Episode(
                    task=task,
                    obs=g.normal(size=(EPISODE + 1, STATE_DIM)).astype(np.float32),
                    action=g.uniform(-1, 1, (EPISODE, ACTION_DIM)).astype(np.float32),
                    reward=g.uniform(0, 1, EPISODE).astype(np.float32),
                )
            )
        ids = np.arange(envs)
        state = g.normal(size=(envs, STATE_DIM)).astype(np.float32)
        self.seen = Observation(state, ids, ids, np.zeros(envs, np.bool_))
        self.generator = torch.Generator().manual_seed(0)
        self.updates = max(1, round(envs * update.updates_per_step))

    def act(self) -> None:
        """Choose an action in each environment."""
        self.actor(self.seen)

    def learn(self) -> None:
        """Take one update."""
        learner = self.agent.learner
        batch = self.replay.sample(
            learner.config.batch_size, learner.config.horizon, self.generator
        )
        learner.update(batch, bc_coef=1.0)

    def step(self) -> None:
        """Act, and take the updates that are due."""
        self.act()
        for _ in range(self.updates):
            self.learn()


def stepping(precision: str, *, compiled: bool = False) -> Callable[[Given], dict[str, Any]]:
    """Return what times steps of all environments, and what a run of the paper's length takes."""

    def run(given: Given) -> dict[str, Any]:
        made = Stepping(given, precision, compiled=compiled)
        first = time.perf_counter()
        for _ in range(2 if given.quick else 8):  # Compiles and captures
            made.step()
        first = time.perf_counter() - first
        timed = seconds_per_call(made.step, given, warm_up=1, seconds=5.0)
        per_s = given.envs / timed["seconds"]
        return {
            **timed,
            "envs": given.envs,
            "updates": made.updates,
            "first_steps_s": first,
            "env_steps_per_s": per_s,
            "hours_for_100M_without_simulation": STEPS / per_s / 3600,
            "plan": graphs_made(made.agent.captured_search().call, given),
            "update": graphs_made(made.agent.learner.graphs, given),
        }

    return run


def waiting(given: Given) -> dict[str, Any]:
    """Count what waits for the GPU in a step, by the line that does, after warming up."""
    made = Stepping(given, "bfloat16")
    for _ in range(2 if given.quick else 6):
        made.step()
    found: dict[str, Any] = {}
    for name, work in (("acting", made.act), ("an update", made.learn)):
        with counted(given.device) as places:
            work()
        found[name] = {"count": sum(places.values()), "at": dict(places)}
    return {"waits": found, "counted": given.device.type == "cuda", "updates": made.updates}


@contextmanager
def counted(device: torch.device) -> Iterator[Counter[str]]:
    """Count operations that wait for a GPU in the block; none anywhere else."""
    places: Counter[str] = Counter()
    if device.type != "cuda":
        yield places
        return
    torch.cuda.synchronize(device)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield places
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for each in told:
        if WAITING in str(each.message):
            places["/".join(each.filename.split("/")[-2:]) + f":{each.lineno}"] += 1
