"""`newt doctor`: what it prints, its document, its exit codes."""

from __future__ import annotations

import pytest

from newt_core.doctor.check import Check

FINE = Check("python", True, "Python 3.11")
OPTIONAL = Check("assets ycb", False, "not here", "newt assets download ycb", needed=False,
                 item="ycb")  # fmt: skip
BROKEN = Check("domain box2d", False, "SIGSEGV", "newt tasks check bipedal-walker-flat")


@pytest.fixture
def found(core):
    checks: list[Check] = []
    core.replace("examine", lambda: iter(checks))
    core.replace("mend", lambda check, progress: f"{check.item}: fetched")
    return checks


@pytest.mark.parametrize(
    ("checks", "code", "last"),
    [
        ([FINE], 0, "Everything works."),
        ([FINE, OPTIONAL], 0, "All that Newt needs works. Optional and missing: assets ycb"),
        ([FINE, OPTIONAL, BROKEN], 1, "Newt needs what fails here: domain box2d"),
    ],
)
def test_only_what_is_needed_decides_the_exit_code(newt, found, checks, code, last):
    found.extend(checks)
    answer = newt("newt doctor")
    assert answer.code == code
    assert answer.out.splitlines()[-1] == last
    assert newt("newt doctor --json").code == code


def test_a_remedy_stands_alone_on_the_line_below(newt, found):
    found.extend([FINE, OPTIONAL])
    lines = [line.strip() for line in newt("newt doctor").out.splitlines()]
    assert lines[:3] == [
        "ok       python: Python 3.11",
        "missing  assets ycb: not here",
        "newt assets download ycb",
    ]


def test_the_document(newt, found):
    found.extend([FINE, BROKEN])
    answer = newt("newt doctor --json")
    assert answer.json == {
        "checks": {
            "python": {"ok": True, "needed": True, "detail": "Python 3.11", "remedy": None},
            "domain box2d": {
                "ok": False,
                "needed": True,
                "detail": "SIGSEGV",
                "remedy": "newt tasks check bipedal-walker-flat",
            },
        },
        "fixed": [],
    }
    assert "domain box2d" in answer.err, "progress goes to stderr"


def test_fix_fetches_what_is_missing_and_looks_again(newt, found, monkeypatch):
    found.extend([FINE, OPTIONAL])
    there = Check("assets ycb", True, "/assets/ycb", needed=False, item="ycb")
    monkeypatch.setattr("newt_core.doctor.downloads.look_again", lambda check: there)
    answer = newt("newt doctor --fix --json")
    assert answer.json["fixed"] == ["ycb: fetched"]
    assert answer.json["checks"]["assets ycb"]["ok"]
    assert "ycb: fetched" in answer.err
    assert newt("newt doctor --fix").out.splitlines()[-1] == "Everything works."


def test_fix_says_when_there_is_nothing_that_it_can_do(newt, found):
    found.extend([FINE, BROKEN])
    assert "nothing that --fix can do" in newt("newt doctor --fix").err
