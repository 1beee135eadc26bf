"""``newt info``: facts about the architecture, and about the threads that compute here."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.numbers import number_option
from newt_core.settings import limits

app = command_app()


@app.callback()
def info() -> None:
    """Describe the model's architecture, and the threads that compute here.

    \b
    newt info model --size 20M
    newt info threads
    """


@app.command()
def model(
    size: Annotated[Literal["2M", "5M", "20M", "80M"], typer.Option(help="Model size.")] = "20M",
    obs: Annotated[
        Literal["state", "rgb", "both"], typer.Option(help="What the encoder reads.")
    ] = "state",
    frame_stack: Annotated[
        int, number_option(1, limits.HORIZON, "Visual observations that it reads at once.")
    ] = 1,
    as_json: options.Json = False,
) -> None:
    """Count a model's learnable parameters, part by part.

    \b
    newt info model --size 20M
    newt info model --size 5M --obs both --json
    """
    from newt_core.model.count import count_parameters

    feature_stack = 0 if obs == "state" else frame_stack
    parts = count_parameters(size, state=obs != "rgb", feature_stack=feature_stack)
    total = sum(parts.values())
    if as_json:
        console.write_json({"size": size, "obs": obs, "parts": parts, "total": total})
        return
    rows = [(part, f"{count:,}") for part, count in (parts | {"total": total}).items()]
    console.write_table(("part", "parameters"), rows, right=["parameters"])


@app.command()
def threads(as_json: options.Json = False) -> None:
    """Say how many threads PyTorch would use now, and why.

    \b
    newt info threads
    newt info threads --json

    OMP_NUM_THREADS in front of a command chooses another number, and OMP_WAIT_POLICY=active lets
    waiting threads spin.
    """
    from newt_core.threads import choose_threads, how_threads_wait

    chosen = choose_threads()
    waiting = how_threads_wait()
    if as_json:
        console.write_json(
            {
                "threads": chosen.count,
                "cores": chosen.cores,
                "quota": chosen.quota,
                "busy": chosen.busy,
                "chosen_by": chosen.chosen_by,
                "why": chosen.why,
                "waiting": waiting,
            }
        )
        return
    console.write(f"threads: {chosen.count} ({chosen.why})")
    console.write(f"waiting threads: {waiting}")
