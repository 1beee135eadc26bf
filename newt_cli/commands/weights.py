"""``newt weights``: the pretrained encoders' files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.counts import download_display

if TYPE_CHECKING:
    from newt_core.encoders.weights import WeightFile

app = command_app()

Names = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="Weight files; by default all.")
]


@app.callback()
def weights() -> None:
    """List, download and check the weights of CLIP and DINOv2.

    \b
    newt weights list
    newt weights list --json

    Newt runs without these files, on hashed texts and states.
    """


@app.command("list")
def list_weights(as_json: options.Json = False) -> None:
    """List the files, and whether they are downloaded.

    \b
    newt weights list
    newt weights list --json
    """
    from newt_core.encoders.weights import WEIGHTS, find

    found = [(item, find(item.name)) for item in WEIGHTS.values()]
    if as_json:
        console.write_json([_row(item, path) for item, path in found])
        return
    console.write_table(
        ("weights", "MB", "present", "what"),
        [
            (item.name, f"{item.size / 1e6:,.0f}", "yes" if path else "no", item.about)
            for item, path in found
        ],
        right=["MB"],
        folds=("what",),
        gives_way=("what",),
    )
    for item, path in found:
        console.notice(f"{item.name}: {path}" if path else _missing(item))


@app.command()
def download(names: Names = None, as_json: options.Json = False) -> None:
    """Download weight files, and verify their checksums.

    \b
    newt weights download clip-vit-b-32
    newt weights download

    Files that are complete are not downloaded again. HF_ENDPOINT names a mirror of Hugging Face,
    HF_HUB_OFFLINE=1 forbids the network.
    """
    from newt_core.encoders import weights as core
    from newt_core.errors import WeightsError

    rows = []
    for item in _chosen(names):
        try:
            path = core.locate(item.name)
        except WeightsError:  # missing, or cut short
            with download_display(item.name) as progress:
                path = core.download(item.name, progress)
            console.notice(f"downloaded {path}")
        rows.append(_row(item, path))
    if as_json:
        console.write_json(rows)
    else:
        for row in rows:
            console.write(f"{row['name']}: {row['path']}")


@app.command()
def check(names: Names = None, as_json: options.Json = False) -> None:
    """Compare the files' checksums with the published ones.

    \b
    newt weights check clip-vit-b-32
    newt weights check --json

    The exit code is 1 if a file is missing or damaged.
    """
    from newt_core.encoders.weights import find
    from newt_core.files import sha256

    rows = []
    for item in _chosen(names):
        path = find(item.name)
        row = _row(item, path)
        if path is not None:
            row["sha256"] = sha256(path)
            if row["sha256"] != item.sha256:
                row["problem"] = "damaged: its checksum is not the published one"
        rows.append(row)
        if path is None:
            console.notice(_missing(item))
        elif row["problem"]:
            remedy = f"Delete it; then: newt weights download {item.name}"
            console.notice(f"{item.name}: {path} is {row['problem']}. {remedy}")
        else:
            console.notice(f"{item.name}: {path} is intact")
    if as_json:
        console.write_json(rows)
    if any(row["problem"] for row in rows):
        raise typer.Exit(1)


def _chosen(names: list[str] | None) -> list[WeightFile]:
    from newt_core.encoders.weights import WEIGHTS, weight_file

    return [weight_file(name) for name in names or WEIGHTS]


def _row(item: WeightFile, path: Path | None) -> dict[str, Any]:
    """Return what the documents say of a file; of a missing one, what it would be and where."""
    return {
        "name": item.name,
        "title": item.about,
        "present": path is not None,
        "path": path or item.home,
        "bytes": path.stat().st_size if path is not None else item.size,
        "sha256": item.sha256,
        "url": item.url,
        "problem": None if path is not None else "not downloaded",
    }


def _missing(item: WeightFile) -> str:
    """Return the line that says what to bring where."""
    return (
        f"{item.name} is missing: newt weights download {item.name}, or bring {item.file} "
        f"({item.size / 1e6:,.0f} MB) from {item.source} to {item.home}"
    )
