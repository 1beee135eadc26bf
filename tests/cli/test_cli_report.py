"""`newt report`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from tests.fixtures.run_folders import evaluation, write_run


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


def test_a_watched_page_is_that_of_the_moment_until_ctrl_c(newt, monkeypatch):
    run = write_run(Path("runs"), "a")

    pages: list[str] = []

    class Visited:
        """Is visited before and after another evaluation, and then ended."""

        address = "http://127.0.0.1:1/"

        def __init__(self, make: Callable[[], str], **options: object) -> None:
            self.make = make

        def serve(self) -> None:
            pages.append(self.make())
            run.write_evaluation(1000, {"step": 1000, **evaluation(0.87654)})
            pages.append(self.make())
            raise KeyboardInterrupt

        def close(self) -> None:
            pages.append("closed")

    monkeypatch.setattr("newt_core.reporting.watch.Watch", Visited)
    answer = newt("newt report a --watch")
    assert (answer.code, answer.out) == (0, "http://127.0.0.1:1/\n")
    assert "0.877" not in pages[0]
    assert "0.877" in pages[1]
    assert pages[2] == "closed"
    assert not run.report.exists()
    assert newt("newt report a --watch --json").json == {"address": "http://127.0.0.1:1/"}


def test_what_watching_cannot_do_is_refused_before_it_begins(newt):
    write_run(Path("runs"), "a")
    for line, said in (
        ("--watch --out a.html", "leave --out out"),
        ("--port 8000", "--port is for --watch"),
        ("--refresh 3", "--refresh is for --watch"),
        ("--watch --port 65536", "too large"),
        ("--watch --refresh 0", "too small"),
        ("b --watch", "there is no run 'b'"),
    ):
        answer = newt(f"newt report {line}")
        assert answer.code == 2
        assert said in answer.err
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert (
            f"port {port} of 127.0.0.1 is in use" in newt(f"newt report --watch --port {port}").err
        )
