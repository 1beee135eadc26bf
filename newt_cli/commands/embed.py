"""``newt tasks embed``: what the text encoder makes of the tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newt_cli import console, options
from newt_cli.numbers import number_option


def embed(
    selector: Annotated[str, typer.Argument(metavar="SEL", help=options.SELECTOR_HELP)] = "*",
    encoder: Annotated[
        str,
        typer.Option("--encoder", "--text-encoder", metavar="NAME", help=options.TEXT_ENCODER_HELP),
    ] = "auto",
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            "--text-weights",
            metavar="FILE",
            help="The encoder's file: weights for clip, a table of vectors for file.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the vectors to a .npz or .safetensors file."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Plot the vectors in two dimensions, coloured by domain."
        ),
    ] = None,
    count: Annotated[
        int, number_option(1, 1_000, "Neighbours to list for each task.", "--neighbours")
    ] = 3,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Embed the tasks' texts, and list each task's nearest neighbours.

    \b
    newt tasks embed --encoder hashed
    newt tasks embed 'walker-*' --encoder hashed --json
    newt tasks embed --encoder hashed --plot texts.png --out texts.npz

    A file that --out has written can be edited and used with --encoder file --weights FILE.
    """
    from newt_core.encoders import make_text_encoder
    from newt_core.encoders.text.file import write_table
    from newt_core.encoders.text.neighbours import neighbours
    from newt_core.specs import load_specs

    tasks = load_specs(specs or ()).select(selector)
    ids, domains = [task.id for task in tasks], [task.domain for task in tasks]
    with console.quiet_stdout():
        chosen = make_text_encoder(encoder, weights, notice=console.notice)
        vectors = chosen.encode_tasks(tasks)
        if out is not None:
            write_table(out, dict(zip(ids, vectors, strict=True)))
        if plot is not None:
            from newt_core.encoders.text.plot import draw_embeddings

            title = f"Text vectors of {len(ids)} tasks, encoder {chosen.name}"
            draw_embeddings(plot, ids, domains, vectors, title)
    found = neighbours(ids, domains, vectors, count)
    for path in (out, plot):
        if path is not None:
            console.notice(f"wrote {path}")
    if as_json:
        console.write_json(
            {
                "encoder": chosen.name,
                "dim": chosen.dim,
                "nearest": found.nearest,
                "same_domain": found.same_domain,
                "chance": found.chance,
            }
        )
        return
    console.write_table(
        ("task", "nearest"),
        [(task, ", ".join(near) or console.NO_VALUE) for task, near in found.nearest.items()],
        folds=("nearest",),
    )
    console.notice(
        f"{chosen.name}, {chosen.dim} entries: the nearest neighbour is of the same domain for "
        f"{_percent(found.same_domain)} of {len(ids)} tasks (by chance {_percent(found.chance)})"
    )


def _percent(share: float | None) -> str:
    return console.NO_VALUE if share is None else f"{share:.1%}"
