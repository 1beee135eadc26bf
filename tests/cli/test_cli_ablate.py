"""`newt ablate`: what it prints, what it refuses, how it is stopped and gone on with."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from newt_core.training.run_list import Member
from newt_core.workflows.run_many import Ended
from tests.fixtures.point_runs import play_points
from tests.fixtures.run_folders import write_run_list
from tests.fixtures.short_lists import QUICK, draw_nothing, write_specs

START = "newt ablate --tasks walker-walk --preset smoke --device cpu --run a --only no-planning"


def test_it_runs_the_rows_and_prints_a_line_for_each(newt, monkeypatch):
    play_points(monkeypatch)
    draw_nothing(monkeypatch)
    write_specs(Path())
    settings = " ".join(f"--set {setting}" for setting in QUICK)
    answer = newt(
        "newt ablate --task short-reach --specs specs --preset smoke --steps 20 --device cpu "
        f"--seeds 2 --only no-planning --run a {settings}"
    )
    assert answer.code == 0, answer.err
    head, reference, without, *files = answer.out.splitlines()
    assert head.split() == ["ablation", "runs", "score", "difference"]
    assert reference.split()[:2] == ["reference", "2/2"]
    assert reference.split()[-1] == "–"
    assert without.split()[:2] == ["no-planning", "2/2"]
    assert without.count("[") == 2
    assert files == [f"runs/a/{name}" for name in (
        "results.md", "results.csv", "results.png", "report.html"
    )]  # fmt: skip
    assert "forecast: 4 runs, about " in answer.err
    assert "0/4 runs · reference, seed 0" in answer.err
    again = newt("newt ablate --run a --resume --json")
    document = again.json
    assert (document["run"], document["failed"]) == ("runs/a", {})
    assert list(document["rows"]) == ["reference", "no-planning"]
    row = document["rows"]["no-planning"]
    assert row["run"] == "runs/a/no-planning_seed-0"
    assert f"{row['score']:.3f} [{row['ci95'][0]:.3f}" in without
    # Its runs are like any others.
    compared = newt("newt compare no-planning_seed-0 reference_seed-0 --runs-dir runs/a --json")
    assert list(compared.json["methods"]) == ["no-planning_seed-0", "reference_seed-0"]


def test_the_table_of_ablations(newt):
    answer = newt("newt ablate --list")
    assert answer.code == 0
    assert "no-language" in answer.out
    assert "text.encoder=zero" in answer.out
    assert "with --demos only: no-pretraining, no-oversampling" in answer.err
    rows = newt("newt ablate --list --json").json
    assert rows[0] == {
        "name": "reference",
        "description": "The settings as asked for.",
        "settings": {},
        "times": {},
        "needs_demos": False,
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("newt ablate --run a", "nothing says which tasks"),
        ("newt ablate --tasks walker-wlak --run a", "Did you mean"),
        (f"{START},no-langage", "there is no ablation 'no-langage'. Did you mean 'no-language'?"),
        (f"{START},no-pretraining", "'no-pretraining' means nothing without demonstrations"),
        ("newt ablate --tasks walker-walk --run a --table none.yaml", "cannot read the table none"),
        (f"{START} --seeds 0", "too small"),
        (f"{START} --jobs 0", "too small"),
        (f"{START} --demos nowhere", "nowhere"),
        (f"{START} --size 3M", "choose 2M, 5M, 20M or 80M"),
        (f"{START} --set update.horizon=2000", "update.horizon"),
        ("newt ablate --run a --resume", "there is no ablation 'a'"),
        ("newt ablate --resume", "there is no ablation in runs/ yet"),
        ("newt ablate --resume --only no-planning", "leave --only, --table and --seeds out"),
        ("newt ablate --resume --preset cpu", "leave --preset and --config out"),
    ],
)
def test_a_mistake_makes_no_folder(newt, core, line, reason):
    answer = newt(line)
    assert answer.code == 2, answer.err
    assert reason in answer.err
    assert len([text for text in answer.err.splitlines() if not text.startswith("left out")]) <= 2
    assert not Path("runs/a").exists()


def test_a_signal_ends_it_with_a_save_and_says_how_to_go_on(newt, core):
    def interrupted(*, should_stop, **_):
        os.kill(os.getpid(), signal.SIGINT)
        assert should_stop()

    core.while_training = interrupted
    answer = newt(f"{START} --json")
    assert answer.code == 130
    assert answer.json["run"] == "runs/a"
    assert "Go on with: newt ablate --run runs/a --resume" in answer.err
    again = newt("newt ablate --run runs/a --resume --jobs 3")
    assert again.code == 130
    assert again.err.endswith("newt ablate --run runs/a --resume --jobs 3\n")


def test_runs_that_failed_are_named_and_the_exit_code_says_so(newt, core):
    def failing(**arguments):
        failed = {Member("no-planning_seed-1", "no-planning", 1): "it died."}
        return replace(core._ablate(**arguments), ended=Ended(False, failed))

    core.replace("ablate", failing)
    answer = newt(f"{START} --json")
    assert answer.code == 1
    assert answer.json["failed"] == {"no-planning_seed-1": "it died."}
    assert "1 failed. Try again with: newt ablate --run runs/a --resume" in answer.err


def test_a_list_of_another_kind_is_told_by_which_command_it_goes_on(newt, core):
    write_run_list(Path("runs"), "a", "each", ["walker-walk"])
    answer = newt("newt ablate --run a --resume")
    assert answer.code == 2
    assert "is no ablation: go on with it with newt train --run runs/a --resume" in answer.err
    assert "the list of runs runs/a already exists" in newt(START).err


def test_two_processes_do_not_work_in_the_same(newt, core):
    runs = write_run_list(Path("runs"), "a", "ablation", ["reference", "no-planning"])
    with runs.lock():
        answer = newt("newt ablate --run a --resume")
    assert answer.code == 2
    assert "is being trained in by process" in answer.err
