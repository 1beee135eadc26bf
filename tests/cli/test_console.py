"""What the command line prints, and where."""

from __future__ import annotations

import os

from newt_cli import console


def test_what_libraries_print_does_not_mix_with_the_result(capfd):
    with console.quiet_stdout():
        print("from Python")
        os.write(1, b"from a library\n")
    print("the result", flush=True)
    os.write(1, b"written by a process\n")
    out, err = capfd.readouterr()
    assert out == "the result\nwritten by a process\n"
    assert sorted(err.splitlines()) == ["from Python", "from a library"]
