"""`newt openloop`, with a stand-in for the episodes."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_json_is_the_contracts_document(newt, core):
    answer = newt("newt openloop last.pt --json")
    assert answer.code == 0, answer.err
    task = answer.json["tasks"]["walker-run"]
    assert (task["closed"], task["open"]) == (20.0, 10.0)
    assert task["fractions"] == {"t1": 0.5, "t2": 0.5, "t3": 0.5}
    assert answer.json["tasks"]["reacher-easy"]["fractions"] == {"t1": None, "t2": None, "t3": 0.5}
    # A task with a fraction at each time counts, and no other.
    assert answer.json["average"] == {"t1": 0.5, "t2": 0.5, "t3": 0.5, "tasks": 1}
    assert answer.json["horizon"] == 48
    assert task["imagination"]["value"] == [2.0, 8.0]


def test_the_tables_say_what_was_found(newt, core):
    answer = newt("newt openloop last.pt")
    assert answer.code == 0, answer.err
    lines = [line.split() for line in answer.out.splitlines()]
    numbers = ["closed", "open", "predicted", "16", "steps", "32", "steps", "48", "steps"]
    assert lines[0] == ["task", *numbers]
    assert lines[1] == ["walker-run", "20.0", "10.0", "12.0", "50%", "50%", "50%"]
    assert lines[2] == ["reacher-easy", "4.0", "2.0", "12.0", "–", "–", "50%"]
    assert lines[3] == ["average", "(1", "task)", "50%", "50%", "50%"]
    assert "the closed-loop return is not positive there" in answer.err
    assert lines[5] == ["imagined", "steps", "1"]  # The errors end after two steps.
    assert [line[-1] for line in lines[6:]] == ["0.2", "0.025", "0.5"]
    assert "pictures and numbers: runs/a/openloop/" in answer.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--horizon 0", "'--horizon': 0 is too small: the smallest is 1"),
        ("--out file/pictures", "--out file/pictures cannot be written"),
        ("--task walker-ran", "walker-ran"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(newt, core, options, says):
    Path("file").touch()
    answer = newt(f"newt openloop last.pt {options}")
    assert answer.code == 2
    assert says in answer.err
    assert not core.calls


def test_a_missing_checkpoint_is_one_line(newt):
    answer = newt("newt openloop nowhere.pt")
    assert (answer.code, answer.err) == (2, "error: there is no checkpoint nowhere.pt.\n")
