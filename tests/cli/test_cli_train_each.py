"""`newt train --each`: a row for each task; gone on with, stopped and refused like one run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.fixtures.point_runs import play_points
from tests.fixtures.run_folders import write_run_list
from tests.fixtures.short_lists import QUICK, write_specs

START = "newt train --each --tasks walker-walk,walker-run --preset smoke --device cpu --run a"


def test_a_row_for_each_task_and_its_agents_collect_demonstrations(newt, monkeypatch):
    play_points(monkeypatch)
    write_specs(Path())
    settings = " ".join(f"--set {setting}" for setting in QUICK)
    answer = newt(
        "newt train --each --tasks short-balance,short-reach --specs specs --preset smoke "
        f"--steps 20 --device cpu --run experts {settings}"
    )
    assert answer.code == 0, answer.err
    head, first, second, folder = answer.out.splitlines()
    assert " ".join(head.split()) == "task run steps score"
    assert first.split()[:3] == ["short-balance", "done", "20"]
    assert second.split()[:3] == ["short-reach", "done", "20"]
    assert folder == "runs/experts"
    assert "forecast: 2 runs, about " in answer.err
    document = newt("newt train --run experts --resume --json").json
    assert document["run"] == "runs/experts"
    assert [row["task"] for row in document["runs"]] == ["short-balance", "short-reach"]
    assert f"{document['runs'][0]['score']:.3f}" in first


def test_it_goes_on_by_name_or_as_the_newest_list(newt, core):
    write_run_list(Path("runs"), "a", "each", ["walker-walk", "walker-run"])
    for line in ("newt train --run a --resume", "newt train --each --resume"):
        assert newt(f"{line} --jobs 2").code == 0
        arguments = core.arguments("train_each")
        assert (arguments["runs"].path, arguments["jobs"]) == (Path("runs/a"), 2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("newt train --each --run a", "name some with --tasks"),
        (f"{START} --instruction Walk.", "another wording is for one task"),
        ("newt train --task walker-walk --preset smoke --run a --jobs 2", "for the runs of --each"),
        ("newt train --each --run a --resume", "there is no list of runs 'a'"),
        ("newt train --each --resume", "there is no list of runs in runs/ yet"),
    ],
)
def test_a_mistake_makes_no_folder(newt, core, line, reason):
    answer = newt(line)
    assert answer.code == 2, answer.err
    assert reason in answer.err
    assert len(answer.err.splitlines()) <= 2
    assert not Path("runs/a").exists()


def test_a_signal_ends_it_with_a_save_and_says_how_to_go_on(newt, core):
    def interrupted(*, should_stop, **_):
        os.kill(os.getpid(), signal.SIGINT)
        assert should_stop()

    core.while_training = interrupted
    answer = newt(f"{START} --json")
    assert answer.code == 130
    assert answer.json["run"] == "runs/a"
    assert "Go on with: newt train --run runs/a --resume" in answer.err
