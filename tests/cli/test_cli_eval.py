"""`newt eval`, with a stand-in for the evaluation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from newt_cli.evaluations import EvaluationForecast
from newt_core.agents.base import Acting
from newt_core.errors import CheckpointError
from newt_core.specs import Wording
from tests.cli.stand_ins import SUMMARY


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
    assert (arguments["episodes"], arguments["how"]) == (3, Acting(policy_only=True))


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
    assert arguments["seeds"] == (4,)


@pytest.mark.parametrize(
    "line",
    [
        "newt eval random",
        "newt eval random --tasks walker-run --policy-only",
        "newt eval random --tasks walker-run --instruction Stroll.",
        "newt eval random --tasks walker-run --prior-weight 0",
        "newt eval random --tasks walker-run --image-weights dino.pt",
        "newt eval random --tasks walker-run --open-loop 24",
        "newt eval --expert --tasks walker-run --replace walker=robot",
    ],
)
def test_random_needs_tasks_and_has_no_policy(newt, core, line):
    assert newt(line).code == 2
    assert not core.calls


def test_a_missing_checkpoint_is_one_line(newt):
    answer = newt("newt eval nowhere.pt")
    assert answer.code == 2
    assert answer.err == "error: there is no checkpoint nowhere.pt.\n"


def test_open_loop_is_a_way_of_acting(newt, core):
    assert newt("newt eval last.pt --task walker-run --open-loop 48").code == 0
    assert core.arguments("evaluate_checkpoint")["how"] == Acting(open_loop=48)
    answer = newt("newt eval last.pt --open-loop 48 --policy-only")
    assert (answer.code, answer.err) == (
        2, "error: --policy-only does not plan: leave --open-loop out.\n",
    )  # fmt: skip


def test_several_make_one_table_after_all_have_been_opened(newt, core):
    answer = newt("newt eval a.pt b.pt --random --expert --seed 2 --seeds 3")
    assert answer.code == 0, answer.err
    assert [name for name, _ in core.calls] == [
        *["open_agent"] * 2, *["evaluate_checkpoint"] * 2, "evaluate_random", "evaluate_experts",
    ]  # fmt: skip
    for name, arguments in core.calls[2:]:
        assert arguments["seeds"] == (2, 3, 4), name
    # Who has no tasks of its own gets those of the checkpoints.
    assert core.arguments("evaluate_experts")["tasks"] == "walker-walk,walker-run"
    heading, *rows = answer.out.splitlines()
    assert heading.split() == ["score", "a.pt", "b.pt", "random", "expert"]
    assert rows[0].split() == ["walker-walk", *["0.512", "±", "0.043"] * 4]
    assert rows[1].split() == ["walker-run", *["0.100"] * 4]
    assert any(row.split() == ["total", *["0.306"] * 4] for row in rows)


def test_totals_of_different_tasks_are_not_to_be_compared(newt, core):
    said = "not all were evaluated on the same tasks"
    assert said not in newt("newt eval a.pt b.pt").err
    one = replace(SUMMARY, tasks={"walker-walk": SUMMARY.tasks["walker-walk"]})
    core.replace("evaluate_random", lambda **arguments: one)
    assert said in newt("newt eval a.pt --random").err


def test_several_are_one_document_on_stdout_and_in_a_file(newt, core):
    answer = newt("newt eval last.pt --random --out kept/scores.json --json")
    assert answer.code == 0, answer.err
    assert set(answer.json["evaluations"]) == {"last.pt", "random"}
    assert answer.json["evaluations"]["random"]["tasks"]["walker-run"]["score"] == 0.1
    assert json.loads(Path("kept/scores.json").read_text()) == answer.json


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("", "say what to evaluate: a checkpoint, a run, 'random'"),
        ("last.pt last.pt", "'last.pt' is named twice: name each once"),
        ("random --random --tasks walker-run", "'random' is named twice: name each once"),
        ("last.pt --seeds 0", "--seeds 0: name 1 to 1,000 seeds, or list some, such as 0,3,7"),
        ("last.pt --seeds 1,1", "--seeds 1,1: list each once"),
        ("last.pt --seeds 1,-3", "--seeds 1,-3: list each once"),
        ("last.pt --seeds a,b", "'a' is no whole number"),
        ("last.pt --seed 4 --seeds 1,2", "--seeds lists them all: leave --seed out"),
        ("last.pt --replace cart", "--replace 'cart': write the word and what to say instead"),
        ("last.pt --replace cart=", "--replace 'cart=': write the word and what to say instead"),
        ("last.pt --out scores.txt", "--out scores.txt: name a file that ends in .json"),
        ("last.pt --out folder.json", "--out folder.json is a folder: name a file"),
        ("last.pt --out file/a.json", "--out file/a.json cannot be written"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(newt, core, options, says):
    Path("folder.json").mkdir()
    Path("file").touch()
    answer = newt(f"newt eval {options}")
    assert answer.code == 2
    assert f"error: {says}" in answer.err
    assert not core.calls


def test_a_missing_second_checkpoint_is_found_before_the_first_is_evaluated(newt, core):
    def opened(request, **others):
        if request.checkpoint == Path("nowhere.pt"):
            raise CheckpointError("there is no checkpoint nowhere.pt.")

    core.replace("open_agent", opened)
    answer = newt("newt eval first.pt nowhere.pt")
    assert (answer.code, answer.err) == (2, "error: there is no checkpoint nowhere.pt.\n")
    assert [name for name, _ in core.calls] == ["open_agent", "open_agent"]


def forecast(times: list[float], steps: int, total: int) -> tuple[list[str], list[int]]:
    """Return what is said, and the counts that are shown, of steps that end at these times."""
    said: list[str] = []
    shown: list[int] = []
    clock = iter(times)
    told = EvaluationForecast(lambda done, _: shown.append(done), said.append, lambda: next(clock))
    for number in range(len(times)):
        told(steps * (number + 1), total)
    return said, shown


def test_the_first_steps_tell_how_long_all_will_take():
    # The first step took 30 seconds; 25 environments then take half a second for each of theirs.
    said, shown = forecast([30.0, 30.5, 31.0, 31.5, 32.0, 32.5], 25, 25_000)
    assert said == ["25,000 steps at 50 a second: 0:08:20 in all, about"]
    assert shown == [25, 50, 75, 100, 125, 150]


def test_of_what_is_soon_done_nothing_is_foretold():
    said, _ = forecast([0.0, 0.5, 1.0, 1.5, 2.0], 25, 500)
    assert not said
