"""What `--help` says of every option and argument, and what it does not offer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from newt_cli.app import COMMANDS, app
from newt_core.training.config_layers import preset_names


def parameters(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield every option and argument under a command, each with its command's full name."""
    for parameter in command.params:
        if parameter.name != "help":
            yield name, parameter
    for under, subcommand in getattr(command, "commands", {}).items():
        yield from parameters(f"{name} {under}", subcommand)


EVERY = list(parameters("newt", typer.main.get_command(app)))


@pytest.mark.parametrize(
    ("command", "parameter"), EVERY, ids=[f"{name} {each.name}" for name, each in EVERY]
)
def test_every_option_and_argument_says_in_a_sentence_what_it_does(command, parameter):
    said = parameter.help or ""
    assert said.endswith((".", "?", ")")), f"{command} {parameter.opts}: {said!r}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_its_own_offers_no_completion_either(name):
    answer = CliRunner().invoke(import_module(COMMANDS[name]).app, ["--help"])
    assert answer.exit_code == 0
    assert "completion" not in answer.output


def test_the_help_names_every_preset_to_begin_with():
    begun = {each.help.partition(".")[0] for _, each in EVERY if each.name == "preset"}
    (listed,) = [text for text in begun if "begin with" in text]
    assert set(re.findall(r"[\w-]+", listed)) >= set(preset_names())
