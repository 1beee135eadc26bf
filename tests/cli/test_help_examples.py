"""The help of every command opens with lines to paste: they are pasted here."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from newt_cli.app import app
from newt_core.demos.convert import export_minari
from newt_core.demos.published import write_published
from newt_core.encoders.text import choose
from newt_core.encoders.weights import WEIGHTS
from newt_core.errors import MissingDependencyError
from newt_core.specs import load_specs
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import RunConfig
from newt_core.workflows.profile import save_profile
from tests.cli.stand_ins import PROFILE, FakeCore
from tests.fixtures.contents import payload_of
from tests.fixtures.demonstrations import episode, write_demos
from tests.fixtures.maniskill_assets import write_stand_ins
from tests.fixtures.run_folders import TASKS, evaluation, write_run, write_run_list

SPECS = """
domain: dmcontrol
tasks:
  - id: my-task
    env: {domain_name: walker, task_name: walk}
    embodiment: A walker of mine.
    instruction: Walk.
    obs_dim: 24
    action_dim: 6
    episode_length: 100
    action_repeat: 2
    reward: dense
    score: {kind: return, low: 0, high: 200}
    camera: 0
"""


def commands(name: str, command) -> Iterator[tuple[str, str]]:
    """Yield the full name and the help of a command and of those under it."""
    yield name, command.help or ""
    subcommands = getattr(command, "commands", {})
    for subcommand in subcommands:
        yield from commands(f"{name} {subcommand}", subcommands[subcommand])


COMMANDS = dict(commands("newt", typer.main.get_command(app)))


def examples(help_text: str) -> list[str]:
    return [line.strip() for line in help_text.splitlines() if line.strip().startswith("newt ")]


def stand_in_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put small files where the pretrained weights would lie, with checksums to match."""
    monkeypatch.setenv("NEWT_CACHE", "cache")
    for name, item in WEIGHTS.items():
        content = name.encode()
        small = replace(item, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(WEIGHTS, name, small)
        small.home.parent.mkdir(parents=True)
        small.home.write_bytes(content)


def without_clip() -> None:
    raise MissingDependencyError("CLIP needs the package 'open_clip', which is not installed.")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_begins_with_a_sentence_and_lines_to_paste(name):
    sentence, *rest = COMMANDS[name].split("\n\n")
    assert sentence.endswith(".")
    assert examples(rest[0])
    assert all(len(line) <= 78 for line in examples(rest[0])), "it would be folded"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_printed_in_one_form_with_its_lines_as_they_are(name, newt):
    answer = newt(f"{name} --help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: {name} ")
    shown = [line.strip() for line in answer.out.splitlines()]
    assert set(examples(COMMANDS[name])) <= set(shown), "none is folded or spaced out"
    assert not set("╭│╰") & set(answer.out)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_lines_run(name, newt, core, monkeypatch):
    if name.startswith("newt assets"):  # there is nothing to download any more
        write_stand_ins(Path("assets"))
        monkeypatch.setenv("NEWT_ASSETS", "assets")
    stand_in_weights(monkeypatch)
    # Nothing can read the stand-ins.
    monkeypatch.setattr(choose, "clip_tokenizer", without_clip)
    Path("my_specs").mkdir()
    Path("my_specs/mine.yaml").write_text(SPECS)
    if name.startswith(("newt demos", "newt pretrain", "newt train", "newt ablate")):
        lay_out_demonstrations()
    save_checkpoint(Path("last.pt"), payload_of(RunConfig()))
    save_profile(PROFILE, Path("there.json"))
    if name.startswith(("newt checkpoint", "newt demos download")):
        stand_in_hub(core, monkeypatch)
    if name.startswith(("newt report", "newt compare", "newt runs")):
        for run in ("balance", "swingup", "walk-seed1", "base-1", "base-2"):
            write_run(Path("runs"), run)
        experts = write_run_list(Path("runs"), "experts", "each", TASKS)
        for member in experts.members:
            experts.run(member).write_evaluation(1000, evaluation(0.5, [member.group]))
        for file in ("agent.json", "random.json"):
            Path(file).write_text(json.dumps(evaluation(0.5)))
    for line in examples(COMMANDS[name]):
        answer = newt(line)
        assert answer.code == 0, f"{line}\n{answer.err}"


def stand_in_hub(core: FakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be published files, and a user at a terminal who agrees to fetch them."""
    for name in ("describe_checkpoint", "import_checkpoint", "export_checkpoint"):
        core.replace(name)
    for name in ("published_files", "fetch", "import_file"):
        core.replace(name)
    terminal = io.StringIO("y\n" * 9)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)


def lay_out_demonstrations() -> None:
    """Make the files that the examples of `newt demos` name."""
    specs = load_specs()
    cowboy = specs["pygame-cowboy"]
    for folder in ("demos", "more"):
        write_demos(Path(folder), 2, cowboy)
    pong = specs["pygame-pong"]
    export_minari(write_demos(Path("demos"), 1, pong), pong, Path("exported"))
    Path("damaged.h5").write_bytes(Path("demos/pygame-cowboy.h5").read_bytes()[:-9])
    write_published(Path("walker-run.pt"), [episode(0, specs["walker-run"])])
