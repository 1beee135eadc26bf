"""One agent is trained once and asked many things, each of them once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.multitask_agent import (
    BODY,
    HELD_OUT,
    IN_OTHER_WORDS,
    OPEN_LOOP,
    PARTS,
    TASKS,
    Multitask,
)
from newt_core.specs import load_specs
from newt_core.training.run_folder import RunFolder
from tests.fixtures.run_folders import evaluation, write_metrics


class Commands(Multitask):
    """Takes commands for done."""

    said: list[list[str]]
    fails = ""

    def newt(self, words: Sequence[str]) -> str:
        self.said.append(list(words))
        if words[0] == "train":
            folder = RunFolder.create("multitask", "", root=self.runs)
            folder.write_evaluation(40, evaluation(0.4, list(TASKS)))
            write_metrics(folder, [{"step": 40, "updates": 9, "wall_time": 3.5}])
        if words[0] == "finetune" and "--resume" not in words:
            (self.runs / words[words.index("--run") + 1]).mkdir(parents=True)
        if words[0] == self.fails:
            raise KeyboardInterrupt
        return json.dumps({**evaluation(0.7, list(BODY)), "folder": str(self.runs / "made")})


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    made = Commands(tmp_path / "runs", tmp_path / "out.json", 1, steps=40, episodes=3)
    made.said = []
    return made


def test_the_tasks_are_what_the_parts_need():
    specs = load_specs()
    assert len({specs[task].embodiment for task in BODY}) == 1
    assert len({specs[task].instruction for task in BODY} | set(IN_OTHER_WORDS.values())) == 10
    assert set(IN_OTHER_WORDS) == set(BODY)
    assert set(OPEN_LOOP) <= set(TASKS)
    assert len(TASKS) >= 6
    assert {specs[task].split for task in HELD_OUT} == {"transfer"}
    assert len({specs[task].domain for task in HELD_OUT}) == 3


def test_everything_is_asked_once_and_kept_with_its_command(commands):
    for _ in range(2):
        for part in PARTS.values():
            part(commands)
    kinds = [words[0] for words in commands.said]
    # Planning and the policy alone, then each of five tasks by five texts and other words.
    assert kinds == [
        "collect-demos",
        "train",
        "eval",
        "eval",
        *["openloop"] * 2,
        *["eval"] * 30,
        *["finetune"] * 3,
    ]
    assert "--policy-only" in commands.said[3]
    shown = json.loads(commands.out.read_text())["runs"]
    assert set(shown["train"]["scores"]["40"]) == set(TASKS)
    assert shown["train"]["command"].startswith("newt train --preset demo --tasks og-point-arena,")
    assert "--horizon 48 --episodes 6" in shown["open-loop-48"]["command"]
    assert shown["open-loop-24"]["folder"] == "runs/made"
    swapped = shown["texts-og-point-circle-as-og-point-arena"]
    assert {"score", "tasks"} < set(swapped)
    assert f"'{load_specs()['og-point-arena'].instruction}'" in swapped["command"]
    assert (
        IN_OTHER_WORDS["og-point-circle"]
        in shown["texts-og-point-circle-in-other-words"]["command"]
    )


def test_a_finetuning_that_was_stopped_is_gone_on_with(commands):
    commands.fails = "finetune"
    with pytest.raises(KeyboardInterrupt):
        PARTS["finetune-og-point-var1"](commands)
    commands.fails = ""
    PARTS["finetune-og-point-var1"](commands)
    assert "--resume" in commands.said[-1]
    shown = json.loads(commands.out.read_text())["runs"]["finetune-og-point-var1"]
    assert "--scratch --seeds 2" in shown["command"], "the whole command, not the resumption"
    assert "--task og-point-var1" in shown["command"]
    assert "update.updates_per_step=1.0" in shown["command"]
    assert "pretrain" not in shown["command"]
