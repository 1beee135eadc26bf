"""What the command line prints, and where."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from newt_cli import console
from newt_cli.console import NO_VALUE
from newt_core.version import __version__

ROOT = Path(__file__).parents[2]
CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]


def test_what_libraries_print_does_not_mix_with_the_result(capfd):
    with console.quiet_stdout():
        print("from Python")
        os.write(1, b"from a library\n")
    print("the result", flush=True)
    os.write(1, b"written by a process\n")
    out, err = capfd.readouterr()
    assert out == "the result\nwritten by a process\n"
    assert sorted(err.splitlines()) == ["from Python", "from a library"]


@pytest.mark.parametrize("closed", [*CLOSED, ">/dev/full 2>&-", ">/dev/full"])
def test_closed_streams_are_no_trouble(closed):
    line = f"{sys.executable} -m newt_cli --version {closed}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == (1 if "full" in closed else 0)
    heard = closed in ("<&-", "2>&-")
    assert done.stdout == (f"newt {__version__}\n" if heard else "")
    full = "error: No space left on device: standard output\n"
    assert done.stderr == (full if closed == ">/dev/full" else "")


@pytest.mark.parametrize("closed", CLOSED)
def test_a_file_that_is_opened_later_is_no_standard_stream(tmp_path, closed):
    code = (
        "import sys; from newt_cli.console import open_closed_streams; open_closed_streams(); "
        "file = open('said', 'w'); print('a line'); print('a remark', file=sys.stderr); "
        "file.write(str(file.fileno()))"
    )
    line = f'{sys.executable} -c "{code}" {closed}'
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(["bash", "-c", line], check=True, cwd=tmp_path, env=variables)
    said = (tmp_path / "said").read_text()
    assert said.isdecimal(), "what was printed is in the file"
    assert int(said) > 2


def test_a_table_in_a_file_is_plain_text_in_columns_of_any_length(capsys):
    long = "x" * 200
    rows = [("walk", "9", "[bold]"), ("walker-run", "1,234", long)]
    console.write_table(("task", "steps", "file"), rows, right=["steps"])
    assert capsys.readouterr().out == (
        f"task        steps  file\nwalk            9  [bold]\nwalker-run  1,234  {long}\n"
    )


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234.56, 1, "1,234.6"),
        (0.0, 3, "0.000"),
        (-2.5, 0, "-2"),
        (None, 1, NO_VALUE),
        (math.nan, 1, NO_VALUE),
        (math.inf, 1, NO_VALUE),
    ],
)
def test_a_measured_value_has_so_many_digits_or_is_a_dash(value, digits, text):
    assert console.number(value, digits) == text
    assert console.number(1.25) == "1.2"


def test_a_document_is_indented_unicode_without_nan(capsys):
    console.write_json({"task": "größer", "score": math.nan})
    assert capsys.readouterr().out == '{\n  "task": "größer",\n  "score": null\n}\n'


def test_remarks_are_lines_of_stderr(capsys):
    console.notice("one")
    console.notice("two")
    assert capsys.readouterr() == ("", "one\ntwo\n")


def test_a_later_remark_is_for_commands_that_still_run_then(monkeypatch, capsys):
    monkeypatch.setattr(console, "REMARK_AFTER", 0.2)
    before = set(threading.enumerate())
    console.notice_later("one thread")
    assert capsys.readouterr().err == ""
    for timer in set(threading.enumerate()) - before:
        timer.join()
    assert capsys.readouterr().err == "one thread\n"


def test_a_command_that_has_ended_keeps_its_later_remarks():
    program = "from newt_cli import console; console.notice_later('one thread')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stderr == b""
