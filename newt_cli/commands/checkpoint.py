"""``newt checkpoint``: checkpoint files, ours and the published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.consent import Yes, agreed
from newt_cli.counts import download_display
from newt_core.errors import some_of

app = command_app()

Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The checkpoint to write; by default checkpoints/NAME.pt."),
]
TASKS_SHOWN = 8
"""Ids in a line of text, before it says how many more there are."""


@app.callback()
def checkpoint() -> None:
    """Look into checkpoint files, and turn the authors' into ours and back.

    \b
    newt checkpoint show runs/balance/checkpoints/best.pt
    newt checkpoint import soup-L.pt
    newt checkpoint list

    Nothing in a file is run: tensors and plain data are read, and anything else is refused.
    """


@app.command()
def show(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A checkpoint, ours or a published one, or a run.")
    ],
    runs_dir: options.RunsDir = Path("runs"),
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Say what a checkpoint is: its tasks, size, steps, encoders, parameters and settings.

    \b
    newt checkpoint show runs/balance/checkpoints/best.pt
    newt checkpoint show soup-L.pt --json
    """
    from newt_core.specs import load_specs
    from newt_core.workflows.describe_checkpoint import describe_checkpoint
    from newt_core.workflows.find_checkpoint import find_checkpoint

    library = load_specs(specs or ())
    path, _ = find_checkpoint(file, runs_dir)
    _report(describe_checkpoint(path, library), as_json)


@app.command("import")
def import_checkpoint(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A published checkpoint.")],
    tasks: Annotated[
        str | None,
        typer.Option(
            "--tasks",
            "--task",
            metavar="SEL",
            help="Its task, if its name does not say it; of a multitask file, which to take.",
        ),
    ] = None,
    size: Annotated[
        Literal["2M", "5M", "20M", "80M", "S", "B", "L", "XL"] | None,
        typer.Option(help="The size that it has to be; it is recognised without."),
    ] = None,
    out: Out = None,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Make a checkpoint of ours from a published one: same inputs, same outputs.

    \b
    newt checkpoint import soup-L.pt
    newt checkpoint import soup-S.pt --tasks dmcontrol --out control.pt
    newt checkpoint import model.pt --task walker-run

    It keeps the texts that it was trained with, and can be used like any other: with eval,
    render, --pretrained, --expert.
    """
    from newt_core.specs import load_specs
    from newt_core.workflows import published_checkpoints as core

    library = load_specs(specs or ())
    request = core.ImportRequest(file, tasks, size, out)
    _written(core.import_checkpoint(request, library, console.notice), library, as_json)


@app.command()
def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A checkpoint of ours, or a run.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
    runs_dir: options.RunsDir = Path("runs"),
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Write a checkpoint in the published layout; what was imported comes out as it was.

    \b
    newt checkpoint export runs/balance/checkpoints/best.pt --out balance-B.pt
    """
    from newt_core.specs import load_specs
    from newt_core.workflows.find_checkpoint import find_checkpoint
    from newt_core.workflows.published_checkpoints import export_checkpoint

    library = load_specs(specs or ())
    path, _ = find_checkpoint(file, runs_dir)
    export_checkpoint(path, out)
    _written(out, library, as_json)


@app.command("list")
def list_checkpoints(as_json: options.Json = False) -> None:
    """List the authors' published checkpoints on the model hub.

    \b
    newt checkpoint list
    newt checkpoint list --json
    """
    from newt_core.workflows.hub import MODELS, published_files

    files = published_files(MODELS)
    if as_json:
        console.write_json(
            [{"name": f.name, "bytes": f.size, "present": f.present, "path": f.home} for f in files]
        )
        return
    console.write_table(
        ("checkpoint", "MB", "present"),
        [(f.name, f"{f.size / 1e6:,.1f}", "yes" if f.present else "no") for f in files],
        right=["MB"],
    )


@app.command()
def download(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A published checkpoint, as the list has it.")
    ],
    tasks: Annotated[
        str | None,
        typer.Option("--tasks", "--task", metavar="SEL", help="As with 'newt checkpoint import'."),
    ] = None,
    out: Out = None,
    yes: Yes = False,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Fetch one of the authors' published checkpoints, and make one of ours from it.

    \b
    newt checkpoint download soup-L
    newt checkpoint download walker-run --yes

    An interrupted download goes on where it stopped. HF_ENDPOINT names a mirror of Hugging Face,
    HF_HUB_OFFLINE=1 forbids the network.
    """
    from newt_core.specs import load_specs
    from newt_core.workflows import hub
    from newt_core.workflows import published_checkpoints as core

    library = load_specs(specs or ())
    if tasks is not None:
        library.select(tasks)  # a wrong name fails before anything is fetched
    file = hub.find_file(hub.brought_files(hub.MODELS), name)
    if file is None:
        file = hub.require_file(hub.published_files(hub.MODELS, name), name, hub.MODELS)
    core.require_absent(out or core.import_path(file.home))
    if not file.present:
        if not agreed(f"{file.path} is {file.size / 1e6:,.1f} MB to fetch", yes):
            raise typer.Exit
        with download_display(file.name) as progress:
            hub.fetch(file, progress)
    request = core.ImportRequest(file.home, tasks, out=out)
    _written(core.import_checkpoint(request, library, console.notice), library, as_json)


def _written(path: Path, library: Any, as_json: bool) -> None:
    """Say what was written."""
    from newt_core.workflows.describe_checkpoint import describe_checkpoint

    told = describe_checkpoint(path, library)
    if as_json:
        console.write_json(told)
    else:
        console.notice(f"wrote {path}: {told['size']}, tasks: {_shortened(told['tasks'])}")


def _report(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.write_json(told)
        return
    lines: list[tuple[str, Any]] = []
    for name, value in told.items():
        if name == "settings":
            continue
        if isinstance(value, dict):
            lines += [(f"{name}.{key}", each) for key, each in value.items()]
        elif name == "tasks":
            lines.append((name, _shortened(value)))
        else:
            lines.append((name, value))
    lines += [(f"settings.{name}", value) for name, value in _flat(told.get("settings") or {})]
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        console.write(f"{name:<{width}}  {_said(value)}")


def _said(value: Any) -> str:
    if value is None or value == "":
        return console.NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _flat(settings: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Return settings with dotted names; those that say which tasks are shown elsewhere."""
    found: list[tuple[str, Any]] = []
    for name, value in settings.items():
        if isinstance(value, dict):
            found += _flat(value, f"{before}{name}.")
        elif f"{before}{name}" != "tasks":
            found.append((f"{before}{name}", value))
    return found


def _shortened(tasks: list[str]) -> str:
    return some_of(tasks, TASKS_SHOWN) or "not said"
