"""`newt eval`, with a stand-in for the evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from newt_core.specs import Wording


def test_json_is_the_contracts_document(newt, core):
    answer = newt("newt eval last.pt --task walker-walk --episodes 3 --policy-only --json")
    assert answer.code == 0
    assert set(answer.json) >= {"tasks", "domains", "score", "mode"}
    assert set(answer.json["tasks"]["walker-walk"]) == {
        "episodes", "return", "success", "score", "ci95",
    }  # fmt: skip
    assert answer.json["tasks"]["walker-run"]["ci95"] is None
    arguments = core.arguments("evaluate_checkpoint")
    assert (arguments["checkpoint"], arguments["tasks"]) == (Path("last.pt"), "walker-walk")
    assert (arguments["episodes"], arguments["policy_only"]) == (3, True)


def test_another_wording_reaches_the_core(newt, core):
    answer = newt(
        "newt eval last.pt --task walker-walk --instruction 'Stroll.' --embodiment 'Two legs.' "
        "--text-encoder clip --text-weights mine.safetensors"
    )
    assert answer.code == 0
    text = core.arguments("evaluate_checkpoint")["text"]
    assert text.wording == Wording("Stroll.", "Two legs.")
    assert (text.encoder, text.weights) == ("clip", Path("mine.safetensors"))


def test_without_tasks_the_checkpoints_own_are_meant(newt, core):
    newt("newt eval last.pt")
    assert core.arguments("evaluate_checkpoint")["tasks"] is None


def test_random_is_a_baseline_without_a_checkpoint(newt, core):
    assert newt("newt eval random --tasks walker-walk --seed 4 --json").code == 0
    arguments = core.arguments("evaluate_random")
    assert (arguments["tasks"], arguments["episodes"]) == ("walker-walk", 10)
    assert arguments["seed"] == 4


@pytest.mark.parametrize(
    "line",
    [
        "newt eval random",
        "newt eval random --tasks walker-run --policy-only",
        "newt eval random --tasks walker-run --instruction Stroll.",
        "newt eval random --tasks walker-run --prior-weight 0",
        "newt eval random --tasks walker-run --image-weights dino.pt",
    ],
)
def test_random_needs_tasks_and_has_no_policy(newt, core, line):
    assert newt(line).code == 2
    assert not core.calls


def test_a_missing_checkpoint_is_one_line(newt):
    answer = newt("newt eval nowhere.pt")
    assert answer.code == 2
    assert answer.err == "error: there is no checkpoint nowhere.pt.\n"
