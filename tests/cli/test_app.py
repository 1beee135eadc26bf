"""The root command: versions, help, mistakes in the command line, start-up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import newt_core
from newt_cli.app import COMMANDS

ROOT = Path(__file__).parents[2]


def test_version(newt):
    answer = newt("newt --version")
    assert (answer.code, answer.out) == (0, f"newt {newt_core.__version__}\n")


@pytest.mark.parametrize("line", ["newt", "newt --help", "newt -h"])
def test_help_names_every_command(newt, line):
    answer = newt(line)
    assert answer.code == 0
    for name in COMMANDS:
        assert f" {name} " in answer.out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("newt trian", "No such command 'trian'. Did you mean 'train'"),
        ("newt tasks shwo walker-run", "No such command 'shwo'. Did you mean 'show'?"),
        ("newt train --siz 5M", "No such option: --siz. Did you mean '--size'?"),
        ("newt tasks", "name a command: embed, list, show, check"),
        ("newt eval", "say what to evaluate: a checkpoint, a run, 'random'"),
        ("newt info model --size 3M", "'3M' is not one of '2M', '5M', '20M', '80M'."),
        ("newt eval x.pt --device abacus", "'abacus' is not auto, cpu, cuda, cuda:N or mps"),
        ("newt eval x.pt --episodes 0", "Invalid value for '--episodes'"),
        ("newt tasks show walker-rnu", "Did you mean 'walker-run'?"),
    ],
)
def test_a_mistake_is_two_lines_at_most_and_exit_code_2(newt, line, message):
    answer = newt(line)
    assert answer.code == 2
    assert answer.out == ""
    assert message in answer.err
    assert len(answer.err.splitlines()) <= 2


def test_usage_errors_say_where_the_help_is(newt):
    assert newt("newt tasks list --splt train").err.endswith("See: newt tasks list --help\n")


def test_debug_shows_where_a_mistake_was_noticed(newt, monkeypatch):
    assert "Traceback" not in newt("newt tasks show nothing").err
    monkeypatch.setenv("NEWT_DEBUG", "1")
    assert "Traceback" in newt("newt tasks show nothing").err


def test_rich_markup_in_a_message_is_printed_as_it_stands(newt):
    assert "'[bold]'" in newt("newt tasks show [bold]").err


def test_module_is_the_same_as_the_script():
    done = subprocess.run(
        [sys.executable, "-m", "newt_cli", "--version"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"newt {newt_core.__version__}\n")


@pytest.mark.parametrize("module", ["newt_cli.app", "typer", "newt_core.errors"])
def test_ctrl_c_in_an_import_is_one_line(module):
    code = f"""
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where pytest runs behind &
sys.meta_path.insert(0, Interrupting())
from newt_cli.__main__ import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"]])
def test_help_needs_neither_torch_nor_a_simulator(arguments):
    heavy = "{'torch', 'numpy', 'gymnasium', 'mujoco'}"
    code = (
        "import sys; from newt_cli.app import main; "
        f"code = main({arguments!r}); sys.exit(code or bool({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_early_is_no_error():
    done = subprocess.run(
        f"set -o pipefail; {sys.executable} -m newt_cli tasks list | true",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "Error" not in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "newt eval nothing.pt --json",
        "newt tasks list walker-rum --json",
        "newt eval random --tasks walker-run --episodes 0 --json",
        "newt train --tasks walker-run --presett cpu --json",
        "newt weights check clip-vit --json",
        "newt no-such-command --json",
    ],
)
def test_a_mistake_is_one_json_document_too(newt, line):
    answer = newt(line)
    assert answer.code == 2
    assert answer.json == {"error": answer.err.removeprefix("error: ").rstrip("\n")}
    plain = newt(line.removesuffix(" --json"))
    assert (plain.code, plain.out) == (2, "")


def test_the_version_is_json_too(newt):
    assert newt("newt --version --json").json == {"version": newt_core.__version__}
