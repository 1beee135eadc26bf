"""Runs of agents as commands, gone on with where they were stopped, beside published scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.agents_learn import PLANS, TASKS, Learning, Plan, published, todo
from newt_core.bench.agent import check
from newt_core.specs import load_specs
from newt_core.training.config import resolve_config
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.agent_kinds import KINDS
from tests.fixtures.run_folders import evaluation, write_metrics

TASK = "cartpole-swingup"
PLAN = Plan(120_000, ("envs_per_task=4",))


class Commands(Learning):
    """Takes commands for done: a run leaves two evaluations and a row of metrics."""

    def __init__(self, runs: Path, out: Path) -> None:
        super().__init__(runs, out, threads=1)
        self.said: list[list[str]] = []
        self.fails = False

    def newt(self, words: Sequence[str]) -> str:
        self.said.append(list(words))
        if words[0] == "eval":
            return json.dumps(evaluation(0.7, [TASK]))
        name = words[words.index("--run") + 1]
        if "--resume" not in words:
            RunFolder.create(name, "", root=self.runs)
        if self.fails:
            raise KeyboardInterrupt
        folder = RunFolder(self.runs / name)
        for step, score in ((50_000, 0.4), (120_000, 0.7)):
            folder.write_evaluation(step, evaluation(score, [TASK]))
        write_metrics(folder, [{"step": 120_000, "updates": 9, "wall_time": 3.5}])
        return ""


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "runs", tmp_path / "out.json")


def test_a_run_is_kept_with_its_command_and_what_others_published(commands):
    commands.run("ppo", TASK, 3, PLAN)
    document = json.loads(commands.out.read_text())
    shown = document["runs"]["ppo-cartpole-swingup-seed3"]
    assert shown["command"] == (
        "newt train --preset cpu --agent ppo --tasks cartpole-swingup --steps 120000 --seed 3 "
        "--set evaluation.every=50000 --set evaluation.episodes=10 --set envs_per_task=4"
    )
    assert shown["returns"] == {"50000": 400.0, "120000": 700.0}
    assert shown["final"]["returns"] == {TASK: 700.0}
    assert (shown["steps"], shown["updates"], shown["train_wall_s"]) == (120_000, 9, 3.5)
    assert shown["published"]["TD-MPC2, its result files"]["50000"] == 839
    assert shown["published"]["PPO, cleanRL"] == {"500000": 641.0}
    assert {"commit", "wall_s", "seed"} <= set(shown)
    assert document["hardware"]


def test_what_was_stopped_is_gone_on_with_and_what_is_there_is_not_done_again(commands):
    commands.fails = True
    with pytest.raises(KeyboardInterrupt):
        commands.run("brc", TASK, 0, PLAN)
    again = Commands(commands.runs, commands.out)
    again.run("brc", TASK, 0, PLAN)
    assert again.said[0][:2] == ["train", "--run"]
    assert again.said[0][-1] == "--resume"
    assert again.said[1][0] == "eval"
    assert (
        "--agent brc" in json.loads(again.out.read_text())["runs"][f"brc-{TASK}-seed0"]["command"]
    )
    third = Commands(commands.runs, commands.out)
    third.run("brc", TASK, 0, PLAN)
    assert third.said == []


def test_every_agent_learns_both_tasks_and_something_is_published_of_each():
    runs = list(todo(None))
    assert {(agent, task) for agent, task, _, _ in runs} == {(a, t) for a in PLANS for t in TASKS}
    assert set(PLANS) <= set(KINDS)
    assert all(len(published(task)) == 3 for task in TASKS)
    assert {plan.steps for *_, plan in todo(600)} == {600}


@pytest.mark.parametrize("agent", PLANS)
def test_the_settings_are_such_as_the_agent_takes(agent):
    for task in TASKS:
        config = resolve_config("cpu", None, PLANS[agent].settings, agent=agent, tasks=task)
        check(config, load_specs().select(task))
