"""`newt report`."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.run_folders import write_run


def test_a_page_lies_in_the_runs_folder(newt):
    write_run(Path("runs"), "a")
    answer = newt("newt report a --json")
    assert answer.code == 0
    assert answer.json == {"path": "runs/a/report.html"}
    assert Path("runs/a/report.html").read_text().startswith("<!doctype html>")
    assert newt("newt report").out == "runs/a/report.html\n"


def test_a_page_of_several_runs_lies_beside_them_or_where_it_is_told(newt):
    for name in ("a", "b"):
        write_run(Path("all"), name)
    assert newt("newt report a b --runs-dir all").out == "all/report.html\n"
    assert newt("newt report a all/b --runs-dir all --out c/d.html").out == "c/d.html\n"
    assert "c/d.html" in map(str, Path().rglob("*.html"))
    wrong = newt("newt report a --runs-dir all --out c.pdf")
    assert wrong.code == 2
    assert "'c.pdf' must end in .html" in wrong.err


def test_a_wrong_name_is_one_line(newt):
    assert "there is no run in runs/ yet" in newt("newt report").err
    write_run(Path("runs"), "balance")
    answer = newt("newt report balanse")
    assert answer.code == 2
    assert answer.err == (
        "error: there is no run 'balanse' in runs/. Did you mean 'balance'? "
        "'newt train' starts one.\n"
    )
