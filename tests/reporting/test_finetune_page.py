"""A finetuning's page: means over seeds, on the way and at the end, in one file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from newt_core.reporting.finetune_page import write_finetune_page
from newt_core.reporting.finetune_scores import finetune_scores
from newt_core.training.finetuning import Finetuning
from tests.fixtures.run_folders import evaluation, write_finetuning
from tests.reporting.test_page import Page

TASKS = ("walker-walk", "pygame-pong")


@pytest.fixture
def finetuning(tmp_path: Path) -> Finetuning:
    """Return one whose runs have got to half of their 1,000 steps; the last not so far."""
    (tmp_path / "made.pt").write_bytes(b"weights")
    made = write_finetuning(tmp_path / "runs", "ft", tmp_path / "made.pt", TASKS)
    for member in made.plan.members:
        level = (0.4 if member.variant == "pretrained" else 0.0) + 0.1 * member.seed
        steps = [0, 100, 250, 500]
        if member == made.plan.members[-1]:
            steps = steps[:1]
        for step in steps:
            document = evaluation(level + step / 1000, [member.task])
            made.run(member).write_evaluation(step, {"step": step, **document})
        if member.variant == "pretrained":
            made.write_zero_shot(member, evaluation(level, [member.task]))
    return made


def page(finetuning: Finetuning) -> Page:
    lengths = dict.fromkeys(finetuning.plan.members, 1000)
    done = {finetuning.plan.members[0].name: 1000}
    write_finetune_page(finetuning, finetune_scores(finetuning, lengths, done))
    return Page(finetuning.report.read_text(encoding="utf-8"))


def test_both_variants_stand_below_each_other(finetuning):
    found = page(finetuning)
    assert found.rows[0] == ["task", "begun", "0 %", "10 %", "25 %", "50 %", "100 %"]
    # Seeds 0 and 1 differ by 0.1: the mean, and 12.706 times 0.05 to either side.
    half = "± 0.635"
    cells = [[cell.strip() for cell in row] for row in found.rows]
    nothing = "\N{EN DASH}"
    assert cells[1] == [
        "walker-walk", "from the checkpoint", f"0.450 {half}", f"0.550 {half}", f"0.700 {half}",
        f"0.950 {half}", nothing,
    ]  # fmt: skip
    assert cells[2][:4] == ["", "from scratch", f"0.050 {half}", f"0.150 {half}"]
    # One seed has no interval, and where a task has not got there is no average.
    assert cells[4][1:4] == ["from scratch", f"0.050 {half}", "0.100"]
    average = next(row for row in cells if row[0] == "average")
    # Welch and Satterthwaite: two degrees of freedom, 4.303 times 0.05 / √2.
    assert average[2] == "0.450 ± 0.152"


def test_what_was_done_and_how_is_said(finetuning):
    found = page(finetuning)
    assert found.facts["Runs"].startswith("1 of 8 have ended; 2 training seeds each")
    assert found.facts["Steps of each"] == "1,000"
    assert found.facts["Demonstrations"] == "none"
    assert found.facts["Checkpoint"].endswith("made.pt")
    assert [row[2] for row in found.rows[-8:]] == ["ended"] + ["not yet"] * 7
    assert len([a for a in found.addresses if a.startswith("data:image/svg")]) == 1
    assert len(found.addresses) == 1


def test_before_the_first_evaluation_there_is_a_page_too(tmp_path):
    (tmp_path / "made.pt").write_bytes(b"weights")
    found = page(write_finetuning(tmp_path, "ft", tmp_path / "made.pt"))
    assert not found.addresses
    assert "There is no evaluation yet" in (tmp_path / "ft/report.html").read_text()


def test_a_task_that_was_learned_already_is_marked(finetuning):
    known = finetuning.read()
    known["plan"]["seen"] = ["pygame-pong"]
    finetuning.summary.write_text(json.dumps(known))
    found = page(Finetuning(finetuning.path))
    assert next(row[0] for row in found.rows if "pong" in row[0]) == "pygame-pong *"
