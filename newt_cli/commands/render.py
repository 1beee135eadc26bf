"""``newt render``: pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newt_cli import console, options

app = typer.Typer(add_completion=False)

PICTURES = (".png", ".jpg")
"""Endings of files that pictures can be written to."""


@app.command()
def render(
    gallery: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Draw one frame of each task into this PNG or JPEG."),
    ],
    tasks: options.Tasks = "*",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the episodes shown.")] = 0,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Draw tasks.

    \b
    newt render --gallery tasks.png
    newt render --gallery walkers.png --tasks 'walker-*'

    A task whose package or assets are not installed is left out.
    """
    if gallery.suffix.lower() not in PICTURES:
        raise typer.BadParameter(f"'{gallery}' must end in {' or '.join(PICTURES)}")
    import imageio.v3 as imageio

    from newt_core.envs.gallery import contact_sheet, picture
    from newt_core.errors import MissingDependencyError
    from newt_core.files import atomic_path
    from newt_core.specs import load_specs

    pictures = {}
    skipped: dict[str, str] = {}
    with console.quiet_stdout():
        for spec in load_specs(specs or ()).select(tasks):
            try:
                pictures[spec.id] = picture(spec, seed=seed)
            except MissingDependencyError as error:
                skipped[spec.id] = str(error)
                console.notice(f"left out {spec.id}: {error}")
    if not pictures:
        raise MissingDependencyError(next(iter(skipped.values())))
    with atomic_path(gallery) as part:
        imageio.imwrite(part, contact_sheet(pictures), extension=gallery.suffix.lower())
    if as_json:
        console.write_json({"path": str(gallery), "tasks": list(pictures), "skipped": skipped})
    else:
        console.notice(f"wrote {gallery}: {len(pictures)} tasks")
