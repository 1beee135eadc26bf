"""Every option of every command has its effect: one table, against the real signatures."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from newt_cli.app import app
from newt_core.encoders import HashedEncoder, make_text_encoder
from newt_core.encoders.text.file import write_table
from newt_core.specs import load_specs
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import resolve_config
from newt_core.types import FRAME_SIZE
from newt_core.workflows.profile import save_profile
from tests.cli.option_row import Command, Seen, look_up
from tests.cli.options_of_acting import ACTING
from tests.cli.options_of_data import DATA
from tests.cli.options_of_files import FILES
from tests.cli.options_of_learning import LEARNING
from tests.cli.options_of_lists import LISTS
from tests.cli.stand_ins import PROFILE, FakeCore, Newt
from tests.fixtures.contents import payload_of
from tests.fixtures.demonstrations import episode, write_demos
from tests.fixtures.run_folders import write_finetuning, write_run, write_run_list
from tests.fixtures.short_tasks import SPECS

TABLE: dict[str, Command] = LEARNING | LISTS | ACTING | DATA | FILES
"""Command → its part of the table."""
ROWS = [
    pytest.param(name, row, id=f"{name} {row.option}")
    for name, command in TABLE.items()
    for row in command.rows
]
LINES = [
    pytest.param(name, line, id=line)
    for name, command in TABLE.items()
    for line in dict.fromkeys(row.line or command.line for row in command.rows)
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small files of every kind that the lines name."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "specs").mkdir()
    (folder / "specs/short.yaml").write_text(SPECS)
    (folder / "mine.yaml").write_text("planner: {num_samples: 300}\n")
    save_profile(PROFILE, folder / "speed.json")
    own = "{name: own, description: Own., settings: {planner.horizon: 2}}"
    (folder / "rows.yaml").write_text(f"rows: [{own}]\n")
    specs = load_specs([folder / "specs"])
    short, reach = specs["short-balance"], specs["short-reach"]
    for place, first in (("demos", 0), ("more", 1)):
        write_demos(folder / place, 2, short, first)
    cut = (folder / "demos/short-balance.h5").read_bytes()
    (folder / "cut.h5").write_bytes(cut[:-9])
    write_seen(folder / "seen", reach)
    write_table(folder / "table.npz", vectors(short, specs["walker-run"]))
    made = resolve_config(None, None, (), tasks="walker-run", size="5M")
    save_checkpoint(folder / "made.pt", payload_of(made))
    filed = resolve_config(None, None, (), tasks="walker-run", size="2M")
    encoder = make_text_encoder("file", folder / "table.npz").name
    save_checkpoint(folder / "filed.pt", payload_of(filed, text_encoder=encoder))
    for root, name in (("runs", "a"), ("elsewhere", "b")):
        write_run(folder / root, name)
        write_finetuning(folder / root, f"{name}-ft", folder / "made.pt")
        write_run_list(folder / root, f"{name}-list", "ablation", ["reference", "no-planning"])
    saved = folder / "kept/saved"
    shutil.copytree(folder / "elsewhere/b", saved)
    (saved / "checkpoints").mkdir(exist_ok=True)
    shutil.copy(folder / "made.pt", saved / "checkpoints/last.pt")
    (folder / "runs/.new-run.1").mkdir()
    os.utime(folder / "runs/.new-run.1", (0, 0))
    return folder


def vectors(*specs: Any) -> dict[str, Any]:
    """A table of vectors of tasks' texts."""
    return {spec.id: HashedEncoder().encode([spec.text])[0] for spec in specs}


def write_seen(folder: Path, spec: Any) -> None:
    """Write a demonstration with pictures."""
    import numpy as np

    from newt_core.demos.write import writing

    black = np.zeros((spec.episode_length + 1, FRAME_SIZE, FRAME_SIZE, 3), np.uint8)
    with writing(folder / f"{spec.id}.h5", spec, "scripted") as writer:
        writer.add([replace(episode(0, spec), rgb=lambda: black)])


@pytest.fixture
def at_work(newt: Newt, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newt:
    """Return `newt` in a copy of the workplace, on a machine without weights and assets."""
    shutil.copytree(workplace, tmp_path, dirs_exist_ok=True, copy_function=shutil.copyfile)
    monkeypatch.setenv("NEWT_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("NEWT_CACHE", str(tmp_path / "cache"))
    return newt


def run(newt: Newt, core: FakeCore, command: Command, line: str) -> Seen:
    for name in command.replaced:
        core.replace(name)
    return Seen(newt(line), core)


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_an_option_arrives(at_work, core, name, row):
    command = TABLE[name]
    line = row.typed
    if not line.startswith("newt "):
        line = f"{row.line or command.line} {row.typed}"
    seen = run(at_work, core, command, line)
    code = command.code if row.code is None else row.code
    assert seen.answer.code == code, seen.answer.err
    assert look_up(seen, row.look) == row.value


@pytest.mark.parametrize(("name", "line"), LINES)
def test_defaults_arrive(at_work, core, name, line):
    command = TABLE[name]
    seen = run(at_work, core, command, line)
    assert "Traceback" not in seen.answer.err
    rows = [row for row in command.rows if (row.line or command.line) == line]
    arrived = [(row.option, look_up(seen, row.look)) for row in rows]
    assert arrived == [(row.option, row.default) for row in rows]


def test_a_row_types_its_option_and_tells_it_from_the_default():
    for name, command in TABLE.items():
        for row in command.rows:
            assert row.value != row.default, (name, row)
            if row.option.startswith("-"):
                assert row.option in row.typed.split(), (name, row)


@pytest.mark.parametrize(
    ("line", "allowed", "refused"),
    [
        ("newt play pygame-cowboy --size", (112, 2240), (111, 2241)),
        ("newt play pygame-cowboy --fps", (1,), (0,)),
        ("newt play pygame-cowboy --seed", (0,), (-1,)),
        ("newt finetune --resume --seeds", (), (0, 1_001)),
        ("newt eval last.pt --episodes", (1,), (0,)),
        ("newt eval last.pt --prior-weight", (0, 1), (-0.1, 1.1)),
        ("newt eval last.pt --seed", (0,), (-1,)),
        ("newt eval last.pt --open-loop", (1,), (0,)),
        ("newt eval last.pt --envs", (1,), (0,)),
        ("newt openloop last.pt --horizon", (1,), (0,)),
        ("newt openloop last.pt --episodes", (1,), (0,)),
        ("newt openloop last.pt --closed-steps", (1,), (0,)),
        ("newt openloop last.pt --prior-weight", (0, 1), (-0.1, 1.1)),
        ("newt openloop last.pt --seed", (0,), (-1,)),
        ("newt openloop last.pt --envs", (1,), (0,)),
        ("newt render --video --episodes", (1,), (0,)),
        ("newt render --video --fps", (1,), (0.5,)),
        ("newt render --video --seed", (0,), (-1,)),
        ("newt collect-demos --task walker-run --episodes", (1,), (0,)),
        ("newt collect-demos --task walker-run --noise", (0, 1), (-0.1, 1.1)),
        ("newt collect-demos --task walker-run --seed", (0,), (-1,)),
        ("newt tasks check walker-run --episodes", (1,), (0,)),
        ("newt tasks embed walker-run --encoder hashed --neighbours", (1,), (0,)),
        ("newt info model --frame-stack", (1,), (0,)),
        ("newt bench plan --envs", (1,), (0,)),
        ("newt bench plan --repeats", (1,), (0,)),
        ("newt bench update --batch-size", (1,), (0,)),
        ("newt bench pool --steps", (1,), (0,)),
        ("newt bench train --steps", (1,), (0,)),
    ],
)
def test_a_number_has_its_limits(newt, core, line, allowed, refused):
    for value in allowed:
        answer = newt(f"{line} {value}")
        assert answer.code == 0, answer.err
    option = line.split()[-1]
    for value in refused:
        answer = newt(f"{line} {value}")
        assert answer.code == 2
        assert re.search(f"{option}'?: .* the (small|larg)est is ", answer.err), answer.err


def parameters(name: str, command: Any) -> Iterator[tuple[str, str]]:
    """Yield a command and those under it, with each of their options' and arguments' names."""
    for parameter in command.params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            yield name, option
    subcommands = getattr(command, "commands", {})
    for subcommand in subcommands:
        yield from parameters(f"{name} {subcommand}", subcommands[subcommand])


def test_every_option_and_every_argument_says_what_it_is():
    silent: list[str] = []

    def visit(name: str, command: Any) -> None:
        silent.extend(f"{name} {p.name}" for p in command.params if not getattr(p, "help", None))
        for subcommand, below in getattr(command, "commands", {}).items():
            visit(f"{name} {subcommand}", below)

    visit("newt", typer.main.get_command(app))
    assert not silent


def test_every_option_of_every_command_has_a_row():
    there = set(parameters("newt", typer.main.get_command(app)))
    listed = {(name, row.option) for name, command in TABLE.items() for row in command.rows}
    missing = sorted(" ".join(pair) for pair in there - listed)
    assert not missing, "add a row to tests/cli/options_of_*.py for each of these"
    gone = sorted(" ".join(pair) for pair in listed - there)
    assert not gone, "no command has these any more"
