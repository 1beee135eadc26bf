"""`newt compare`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.printed import as_printed
from tests.fixtures.run_folders import write_run


@pytest.fixture
def runs() -> None:
    for name, last in (("a-1", 0.7), ("a-2", 0.9), ("b-1", 0.5)):
        write_run(Path("runs"), name, (0.1, last))


def test_methods_stand_below_each_other(newt, runs):
    answer = newt("newt compare 'mine=a-*' b-1 --tasks walker-walk")
    assert answer.code == 0, answer.err
    assert answer.out == as_printed(
        """
        group               method  runs  steps                  mean                   IQM                median        optimality gap
        dmcontrol (1 task)  mine       2  1,000  0.800 [0.700, 0.900]  0.800 [0.700, 0.900]  0.800 [0.700, 0.900]  0.200 [0.100, 0.300]
        dmcontrol (1 task)  b-1        1  1,000                 0.500                 0.500                 0.500                 0.500
        total (1 task)      mine       2  1,000  0.800 [0.700, 0.900]  0.800 [0.700, 0.900]  0.800 [0.700, 0.900]  0.200 [0.100, 0.300]
        total (1 task)      b-1        1  1,000                 0.500                 0.500                 0.500                 0.500
        P(mine beats b-1) = 1.00 [1.00, 1.00]
        """  # noqa: E501
    )
    assert answer.err.splitlines() == [
        "intervals: 95 %, stratified bootstrap, 2,000 repetitions: runs are drawn anew within each "
        "task; the tasks are the ones meant",
        "one run only of b-1: nothing is known of how other seeds would do",
        "the paper's own scores are over all tasks of a domain, and not put beside a part of them: "
        "here are 1 of 200 of the training tasks, 1 of 21 of dmcontrol",
    ]


def test_files_are_named_on_stderr_and_in_the_document(newt, runs):
    answer = newt("newt compare a-1 b-1 --out tables/ab.png")
    assert answer.err.splitlines()[-3:] == [
        f"wrote tables/ab{ending}" for ending in (".md", ".csv", ".png")
    ]
    document = newt("newt compare a-1 b-1 --out ab --json").json
    assert document["files"] == ["ab.md", "ab.csv", "ab.png"]
    assert all(Path(name).is_file() for name in document["files"])


def test_what_cannot_be_compared_leaves_no_file(newt, runs):
    for line, said in (
        ("a-1 last.pt", "error: last.pt is a checkpoint"),
        ("a-1 gone", "error: there is no run 'gone' in runs/."),
        ("a-1 --resample run", "error: 'run' cannot be drawn anew. Did you mean 'runs'?"),
        ("a-1 b-1 --tasks cheetah-run", "error: none of those compared was evaluated"),
        ("", "Missing argument"),
        ("a-1 --repeats 3", "too small: the smallest is 100"),
    ):
        answer = newt(f"newt compare {line} --out ab")
        assert answer.code == 2
        assert said in answer.err, answer.err
        assert len(answer.err.splitlines()) <= 2
    assert not list(Path().glob("ab*"))
