"""One module per subcommand, each with a Typer ``app``.

A module here imports only what it needs to parse: everything of ``newt_core`` is imported
inside the function that uses it, so that ``newt train --help`` answers without PyTorch.
"""

from __future__ import annotations

import typer


def command_app() -> typer.Typer:
    """Return what a subcommand is made of: helps in one form, and no completion of its own."""
    return typer.Typer(add_completion=False, rich_markup_mode=None)
