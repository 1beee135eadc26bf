"""``newt weights``: the pretrained encoders' files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, options
from newt_cli.display import download_display

if TYPE_CHECKING:
    from newt_core.encoders.weights import WeightFile

app = typer.Typer(add_completion=False)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME…]", help="Weight files; by default all.")
]


@app.callback()
def weights() -> None:
    """List, fetch and verify the weights of CLIP and DINOv2.

    \b
    newt weights list
    newt weights list --json

    Nothing else is fetched: Newt runs without these files, on hashed texts and states.
    """


@app.command("list")
def list_weights(as_json: options.Json = False) -> None:
    """Say which files there are, and which are on this machine.

    \b
    newt weights list
    newt weights list --json
    """
    from newt_core.encoders.weights import WEIGHTS, find

    found = {name: find(name) for name in WEIGHTS}
    if as_json:
        console.write_json({name: _row(WEIGHTS[name], path) for name, path in found.items()})
        return
    console.write_table(
        ("weights", "MB", "present", "what"),
        [
            (name, f"{item.size / 1e6:,.0f}", "yes" if found[name] else "no", item.about)
            for name, item in WEIGHTS.items()
        ],
        right=["MB"],
    )
    for name, path in found.items():
        if path is not None:
            console.notice(f"{name}: {path}")
    _say_missing([WEIGHTS[name] for name, path in found.items() if path is None])


@app.command()
def download(names: Names = None, as_json: options.Json = False) -> None:
    """Fetch weight files, and verify their checksums.

    \b
    newt weights download clip-vit-b-32
    newt weights download

    A whole file that is here already is not fetched again. HF_ENDPOINT names a mirror of
    Hugging Face, HF_HUB_OFFLINE=1 forbids the network.
    """
    from newt_core.encoders import weights as core
    from newt_core.errors import WeightsError

    rows: dict[str, Any] = {}
    for item in _chosen(names):
        try:
            path = core.locate(item.name)
        except WeightsError:  # missing, or cut short
            with download_display(item.name) as progress:
                path = core.download(item.name, progress)
            console.notice(f"fetched {path}")
        rows[item.name] = _row(item, path)
    if as_json:
        console.write_json(rows)
    else:
        for name, row in rows.items():
            console.write(f"{name}: {row['path']}")


@app.command()
def check(names: Names = None, as_json: options.Json = False) -> None:
    """Compare the files' checksums with the published ones; exit code 1 if one fails.

    \b
    newt weights check clip-vit-b-32
    newt weights check --json
    """
    from newt_core.encoders.weights import find
    from newt_core.files import sha256

    rows: dict[str, Any] = {}
    missing = []
    for item in _chosen(names):
        path = find(item.name)
        rows[item.name] = row = _row(item, path) | {"ok": False}
        if path is None:
            missing.append(item)
            continue
        row["sha256"] = sha256(path)
        row["ok"] = row["sha256"] == item.sha256
        if row["ok"]:
            console.notice(f"intact   {item.name}: {path}")
        else:
            console.notice(
                f"DAMAGED  {item.name}: {path}. Delete it; then: newt weights download {item.name}"
            )
    if as_json:
        console.write_json(rows)
    _say_missing(missing)
    if not all(row["ok"] for row in rows.values()):
        raise typer.Exit(1)


def _chosen(names: list[str] | None) -> list[WeightFile]:
    from newt_core.encoders.weights import WEIGHTS, weight_file

    return [weight_file(name) for name in names or WEIGHTS]


def _row(item: WeightFile, path: Path | None) -> dict[str, Any]:
    """Return what the documents say of a file: its own size if it is here, else the published."""
    return {
        "present": path is not None,
        "path": path,
        "bytes": path.stat().st_size if path is not None else item.size,
        "sha256": item.sha256,
        "url": item.url,
        "put_into": item.home.parent,
    }


def _say_missing(items: list[WeightFile]) -> None:
    """Print a line per missing file that says what to bring where."""
    for item in items:
        console.notice(
            f"missing  {item.name}: newt weights download {item.name}, or bring {item.file} "
            f"({item.size / 1e6:,.0f} MB) from {item.source} to {item.home}"
        )
