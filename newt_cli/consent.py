"""Asking before something large or final is done."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def agreed(question: str, yes: bool) -> bool:
    """Return whether the user wants it; asked on a terminal unless he said so before.

    Args:
        question: What would be done, with its size, without a question mark.
        yes: He did.

    Raises:
        ConfigError: There is nobody to ask.
    """
    from newt_core.errors import ConfigError

    if yes:
        return True
    if not sys.stdin.isatty():
        raise ConfigError(f"{question}: add --yes to have it done.")
    return typer.confirm(f"{question}?", err=True)
