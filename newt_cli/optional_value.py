"""Options whose value can be left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

LEFT_OUT = ""
"""What such an option holds when it was given without a value."""


def with_values(arguments: Sequence[str], option: str) -> list[str]:
    """Return a command's arguments with :data:`LEFT_OUT` where ``option`` has no value.

    >>> with_values(["--video", "--json"], "--video")
    ['--video', '', '--json']
    """
    filled: list[str] = []
    for position, argument in enumerate(arguments):
        filled.append(argument)
        last = position + 1 == len(arguments)
        if argument == option and (last or arguments[position + 1].startswith("-")):
            filled.append(LEFT_OUT)
    return filled


class VideoCommand(TyperCommand):
    """A command whose ``--video`` needs no file; Typer has no such options of its own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, the missing value filled in."""
        return super().parse_args(ctx, with_values(args, "--video"))
