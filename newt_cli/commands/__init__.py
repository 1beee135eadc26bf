"""One module per subcommand, each with a Typer ``app``.

A module here imports only what it needs to parse: everything of ``newt_core`` is imported
inside the function that uses it, so that ``newt train --help`` answers without PyTorch.
"""
