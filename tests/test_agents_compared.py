"""All agents as commands on the same tasks, kept run by run, and compared when all are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

import pytest

from benchmarks.agents_compared import METHODS, PARTS, PRETRAINED, STEPS, TASKS, Compared, Method
from newt_core.bench.agent import check
from newt_core.specs import load_specs
from newt_core.training.ablations import Row, read_table
from newt_core.training.config import resolve_config
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_list import Member, RunList
from newt_core.workflows.agent_kinds import KINDS
from tests.fixtures.run_folders import evaluation, write_metrics

TWO = "cartpole-swingup,pygame-cowboy"


class Commands(Compared):
    """Takes commands for done; an agent of each task knows its own alone."""

    def __init__(self, folder: Path, *, large: bool = False) -> None:
        super().__init__(
            folder / "runs", folder / "out.json", 1, tasks=TWO, steps=1_000, large=large
        )
        self.said: list[list[str]] = []

    def newt(self, words: Sequence[str]) -> str:
        self.said.append(list(words))
        if words[0] == "eval":
            alone = [task for task in TWO.split(",") if task in words[1]]
            score = 0.3 if "--policy-only" in words else 0.7
            return json.dumps(evaluation(score, alone or TWO.split(",")))
        if words[0] in ("train", "pretrain"):
            name = words[words.index("--run") + 1]
            if "--each" in words:
                config = resolve_config("smoke", tasks=TWO)
                runs = {Member(task, task, 0): config for task in TWO.split(",")}
                each = RunList.create(name, "each", runs, label="", root=self.runs)
                folders = [each.run(member) for member in each.members]
            elif "--resume" in words:
                folders = [RunFolder(self.runs / name)]
            else:
                folders = [RunFolder.create(name, "", root=self.runs)]
            updates = {"updates": 9} if words[0] == "train" else {}
            for folder in folders:
                write_metrics(folder, [{"step": 500, "wall_time": 3.5, **updates}])
        return ""


def test_newt_is_kept_and_so_is_its_policy_before_it_interacted(tmp_path):
    commands = Commands(tmp_path)
    commands.run("newt", METHODS["newt"], 1)
    runs = json.loads(commands.out.read_text())["runs"]
    assert list(runs) == ["newt-seed1", f"{PRETRAINED}-seed1"]
    assert runs["newt-seed1"]["command"] == (
        f"newt train --preset demo --tasks {TWO} --seed 1 --demos demos --steps 1000 "
        "--set evaluation.every=250"
    )
    assert runs["newt-seed1"]["updates"] == 9
    assert runs["newt-seed1"]["evaluation"]["tasks"]["cartpole-swingup"]["score"] == 0.7
    assert runs[f"{PRETRAINED}-seed1"]["evaluation"]["tasks"]["cartpole-swingup"]["score"] == 0.3
    assert commands.said[-1][1].endswith("pretraining/checkpoints/last.pt")
    again = Commands(tmp_path)
    again.run("newt", METHODS["newt"], 1)
    assert again.said == []


def test_of_agents_of_single_tasks_each_gets_its_part_of_the_steps(tmp_path):
    commands = Commands(tmp_path)
    commands.run("tdmpc2", METHODS["tdmpc2"], 0)
    shown = json.loads(commands.out.read_text())["runs"]["tdmpc2-seed0"]
    assert "--each" in commands.said[0]
    assert "evaluation.every=0" in commands.said[0]
    assert commands.said[0][commands.said[0].index("--steps") + 1] == "500"
    assert (shown["steps"], shown["updates"], shown["train_wall_s"]) == (1_000, 18, 7.0)
    assert list(shown["evaluation"]["tasks"]) == TWO.split(",")
    assert {one["score"] for one in shown["evaluation"]["tasks"].values()} == {0.7}


def test_in_large_agents_have_their_own_settings(tmp_path):
    commands = Commands(tmp_path, large=True)
    commands.run("ppo", METHODS["ppo"], 0)
    assert not {"--preset", "--device", "--set"} & set(commands.said[0])
    commands.run("cloning-1", METHODS["cloning-1"], 0)
    assert "update.bc_coef=1" in commands.said[2]


def test_what_was_stopped_is_gone_on_with(tmp_path):
    RunFolder.create("bc-seed0", "", root=tmp_path / "runs")
    commands = Commands(tmp_path)
    commands.run("bc", METHODS["bc"], 0)
    assert commands.said[0][0] == "pretrain"
    assert commands.said[0][-1] == "--resume"
    shown = json.loads(commands.out.read_text())["runs"]["bc-seed0"]
    assert (shown["steps"], shown["updates"]) == (0, 500)


def test_all_are_held_against_newt_over_seeds_and_tasks(tmp_path):
    commands = Commands(tmp_path)
    for seed in (0, 1):
        for name in ("newt", "bc"):
            commands.run(name, METHODS[name], seed)
    commands.compare(["newt", "bc", "ppo", PRETRAINED], 2)
    words = commands.said[-1]
    assert [word.partition("=")[0] for word in words[1:4]] == ["newt", "bc", PRETRAINED]
    assert words[4:] == [
        *("--baseline", "newt", "--resample", "both", "--out"),
        str(tmp_path / "out"),
    ]
    commands.compare(["bc", "newt"], 2, "-parts")
    assert commands.said[-1][-5:] == ["bc", "--resample", "both", "--out", f"{tmp_path}/out-parts"]


def test_the_set_is_eight_tasks_of_four_domains_with_demonstrations():
    specs = load_specs().select(TASKS)
    assert len(specs) == 8
    assert len({spec.domain for spec in specs}) == 4
    demos = Path(__file__).parents[1] / "demos"
    assert all((demos / f"{spec.id}.h5").exists() for spec in specs)


def test_every_agent_is_there_and_five_ablations_beside_the_two_open_questions():
    assert set(KINDS) == {name for name, method in METHODS.items() if not method.ablation}
    parts = [name for name, method in METHODS.items() if method.ablation]
    assert len(parts) == 7
    assert {"sampling-episodes", "cloning-1"} <= set(parts)
    assert "--demos" not in METHODS["no-demonstrations"].options


@pytest.mark.parametrize("name", METHODS)
def test_the_settings_are_such_as_the_agent_takes(name: str):
    method: Method = METHODS[name]
    words = dict(zip(method.options[::2], method.options[1::2], strict=True))
    preset, *small = method.small
    config = resolve_config(
        preset,
        None,
        [*small, *method.settings],
        agent=words.get("--agent", "newt"),
        tasks="cartpole-swingup" if method.each else TASKS,
        steps=STEPS,
    )
    assert config.agent.kind == words.get("--agent", "newt")
    if method.interacts:
        check(config, load_specs().select(config.tasks))


@pytest.mark.parametrize("row", read_table().chosen([*PARTS, "sampling-episodes"])[1:])
def test_an_ablation_sets_what_the_table_says(row: Row):
    method = METHODS[row.name]
    config = resolve_config("demo", None, method.settings, tasks=TASKS)
    assert row.settings
    for name, value in row.settings.items():
        assert attrgetter(name)(config) == value, name
