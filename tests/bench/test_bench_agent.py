"""The report on agents' speed and memory, on little work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from newt_core.agents.fasttd3 import networks
from newt_core.bench import agent as bench
from newt_core.bench.agent import AGENTS, bench_agent, measure
from newt_core.errors import ConfigError, EnvironmentFailure
from newt_core.model.sizes import SIZES
from newt_core.specs import TaskSpec, load_specs
from newt_core.training.config import RunConfig, resolve_config
from newt_core.workflows import own_process, trial_loop
from newt_core.workflows.agent_kinds import KINDS
from tests.fixtures.models import TINY
from tests.fixtures.point_pool import PointPool, point_task

POINT = point_task("near", 6)
OPTIONS: dict[str, dict[str, Any]] = {
    "ppo": {"width": 8, "rollout": 4, "minibatches": 2, "epochs": 3},
    "fasttd3": {"batch_size": 4, "ring": 20, "learning_starts": 2},
    "brc": {"critic_width": 8, "actor_width": 8, "batch_size": 4, "learning_starts": 2},
}
TASK = "pygame-cartpole-balance"


def config(kind: str, *more: str, tasks: str = "points", envs: int = 2) -> RunConfig:
    options = [f"agent.options.{name}={value}" for name, value in OPTIONS.get(kind, {}).items()]
    return resolve_config(
        "smoke",
        None,
        ["update.updates_per_step=0.5", "update.batch_size=4", *options, *more],
        agent=kind,
        tasks=tasks,
        envs_per_task=envs,
        device="cpu",
    )


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points in the place of simulators, and networks of a few rows."""

    @contextmanager
    def pool(specs: Sequence[TaskSpec], *others: Any) -> Iterator[PointPool]:
        yield PointPool(specs)

    torch.set_num_threads(1)
    monkeypatch.setitem(SIZES, "2M", TINY)
    monkeypatch.setattr(networks, "ACTOR_WIDTHS", (8,))
    monkeypatch.setattr(networks, "CRITIC_WIDTHS", (8,))
    monkeypatch.setattr(trial_loop, "open_pool", pool)


def test_all_that_come_with_newt_are_measured():
    assert set(AGENTS) == set(KINDS)


@pytest.mark.parametrize("kind", AGENTS)
def test_what_is_reported_follows_from_what_was_timed(points, kind):
    found = measure(config(kind), [POINT], steps=5, repeats=1)
    (run,) = found["runs"]
    assert run["updates"] > 0
    assert run["steps"] % 2 == 0
    assert run["steps"] >= 10
    assert found["acting_steps_per_s"] == pytest.approx(run["steps"] / run["act_s"])
    assert found["updates_per_s"] == pytest.approx(run["updates"] / run["learn_s"])
    if kind == "bc":
        assert (found["learning_share"], found["updates_per_step"]) == (None, None)
    else:
        whole = run["act_s"] + run["learn_s"]
        assert found["steps_per_s"] == pytest.approx(run["steps"] / whole)
        assert found["learning_share"] == pytest.approx(run["learn_s"] / whole)
        assert found["updates_per_step"] == pytest.approx(run["updates"] / run["steps"])
    # Of each step of two environments: 0.5 updates per agent step, 2 for FastTD3, 1 for BRC.
    per_step = {"newt": 0.5, "tdmpc2": 0.5, "ppo": 6 / 8, "fasttd3": 1.0, "brc": 0.5}
    assert found["updates_per_step"] == per_step.get(kind)
    assert found["parameters"] > 0
    assert found["memory_mb"] >= 0
    assert found["gpu_memory_mb"] is None


def test_whole_rollouts_count(points):
    (run,) = measure(config("ppo"), [POINT], steps=5, repeats=1)["runs"]
    assert (run["steps"], run["updates"]) == (2 * 8, 12)


def test_a_process_of_its_own_measures_real_environments():
    specs = load_specs().select(TASK)
    heard = []
    report = bench_agent(
        {"ppo": config("ppo", tasks=TASK, envs=1)},
        specs,
        steps=2,
        repeats=2,
        told=lambda *counted: heard.append(counted),
    )
    assert heard == [(1, 1)]
    assert report["what"] == "agents: 1 environments"
    assert (report["tasks"], report["ratios"]) == ([TASK], {})
    (found,) = report["variants"].values()
    assert [run["steps"] for run in found["runs"]] == [4, 4]
    # Actor and critic, of 640 numbers, twice 8 wide, of 16 actions and one value, and stds.
    hidden = 640 * 8 + 8 + 8 * 8 + 8
    assert found["parameters"] == 2 * hidden + (8 * 16 + 16) + (8 + 1) + 16


def test_what_cannot_be_measured_is_refused_in_a_line(monkeypatch):
    specs = [POINT, point_task("nearer", 4)]
    for kind, more, says in (
        ("tdmpc2", (), "an agent 'tdmpc2' learns one task, and these are 2: name one"),
        ("ppo", ("agent.options.witdh=3",), "has no option 'witdh'. Did you mean 'width'?"),
        ("fasttd3", ("agent.options.batch_size=3",), "batch_size is 3, but there are 4"),
    ):
        with pytest.raises(ConfigError, match=says):
            bench_agent({kind: config(kind, *more)}, specs, steps=1, repeats=1)
    monkeypatch.setattr(own_process, "_CODE", "raise ValueError('too bad')")
    with pytest.raises(EnvironmentFailure, match=r"'ppo' could not be measured: too bad$"):
        bench_agent({"ppo": config("ppo")}, specs, steps=1, repeats=1)


def test_an_agent_that_learns_nothing_is_given_up(points, monkeypatch):
    monkeypatch.setattr(bench, "_PATIENCE", 20)
    with pytest.raises(ConfigError, match="'brc' learned nothing in 20 steps"):
        measure(config("brc", "agent.options.learning_starts=100"), [POINT], steps=1, repeats=1)
