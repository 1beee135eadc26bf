"""``newt``: finds the subcommand, loads its module, runs it."""

from __future__ import annotations

import sys
from collections import UserDict
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from newt_cli import console
from newt_cli.failures import Interruption, report_failures
from newt_core.threads import prepare_process
from newt_core.version import __version__

COMMANDS = {
    "tasks": "newt_cli.commands.tasks",
    "collect-demos": "newt_cli.commands.collect_demos",
    "demos": "newt_cli.commands.demos",
    "plan": "newt_cli.commands.plan",
    "pretrain": "newt_cli.commands.pretrain",
    "train": "newt_cli.commands.train",
    "finetune": "newt_cli.commands.finetune",
    "ablate": "newt_cli.commands.ablate",
    "eval": "newt_cli.commands.eval",
    "openloop": "newt_cli.commands.openloop",
    "render": "newt_cli.commands.render",
    "compare": "newt_cli.commands.compare",
    "report": "newt_cli.commands.report",
    "checkpoint": "newt_cli.commands.checkpoint",
    "runs": "newt_cli.commands.runs",
    "assets": "newt_cli.commands.assets",
    "weights": "newt_cli.commands.weights",
    "play": "newt_cli.commands.play",
    "doctor": "newt_cli.commands.doctor",
    "info": "newt_cli.commands.info",
    "bench": "newt_cli.commands.bench",
}
"""Subcommand → the module whose ``app`` it is, in the order of ``newt --help``."""


class LazyCommands(UserDict[str, Any]):
    """Subcommands by name; a command's module is imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)


@cache
def _command(name: str) -> Any:
    command = typer.main.get_command(import_module(COMMANDS[name]).app)
    command.name = name
    return _with_whole_sentences(command)


def _with_whole_sentences(command: Any) -> Any:
    """Have lists of commands give the first sentence of each one's help, however long it is."""
    command.short_help = " ".join((command.help or "").partition("\n\n")[0].split())
    for subcommand in getattr(command, "commands", {}).values():
        _with_whole_sentences(subcommand)
    return command


class NewtGroup(TyperGroup):
    """The root command. Listing the names of its subcommands imports none of them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = LazyCommands(COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interruption from error

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the subcommands' names in the order of the help."""
        return list(self.commands)


app = typer.Typer(
    cls=NewtGroup,
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(epilog="NEWT_DEBUG=1 adds a traceback to every error.")
def newt(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --version: print one JSON document.")
    ] = False,
) -> None:
    """One world model that learns many continuous-control tasks from text and reward.

    \b
    newt tasks list dmcontrol
    newt train --tasks cartpole-balance --preset cpu --run balance
    newt eval runs/balance/checkpoints/last.pt
    """
    if version:
        if as_json:
            console.write_json({"version": __version__})
        else:
            console.write(f"newt {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        console.write(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``newt`` with these arguments (the process's own by default); return the exit code."""
    if arguments is None:  # This process is the command's alone.
        prepare_process(console.notice_later)
    console.open_closed_streams()
    said = sys.argv[1:] if arguments is None else arguments
    return report_failures(
        lambda: app(arguments, prog_name="newt", standalone_mode=False), as_json="--json" in said
    )
