"""``newt info``: facts about the architecture."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from newt_cli import console, options

app = typer.Typer(add_completion=False)


@app.callback()
def info() -> None:
    """Say what a model is made of.

    \b
    newt info model --size 20M
    """


@app.command()
def model(
    size: Annotated[Literal["2M", "5M", "20M", "80M"], typer.Option(help="Model size.")] = "20M",
    obs: Annotated[
        Literal["state", "both"], typer.Option(help="The encoder's input: both adds an image.")
    ] = "state",
    as_json: options.Json = False,
) -> None:
    """Count a model's learnable parameters, part by part.

    \b
    newt info model --size 20M
    newt info model --size 5M --obs both --json
    """
    from newt_core.model.count import count_parameters

    parts = count_parameters(size, image=obs == "both")
    total = sum(parts.values())
    if as_json:
        console.write_json({"size": size, "obs": obs, "parts": parts, "total": total})
        return
    rows = [(part, f"{count:,}") for part, count in (parts | {"total": total}).items()]
    console.write_table(("part", "parameters"), rows, right=["parameters"])
