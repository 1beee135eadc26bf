"""``newt runs``: which runs there are, how they stand, what can go."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli.commands import command_app

if TYPE_CHECKING:
    from newt_core.reporting.runs.clean import Item
    from newt_core.reporting.runs.state import RunInfo

app = command_app()

COLUMNS = ("run", "state", "steps", "of", "score", "best", "MB", "changed")
ITEM_COLUMNS = ("what", "MB", "path")


@app.callback()
def runs() -> None:
    """List, show and clean up runs.

    \b
    newt runs list
    newt runs show balance
    newt runs clean
    """


@app.command("list")
def list_all(runs_dir: options.RunsDir = Path("runs"), as_json: options.Json = False) -> None:
    """List the runs: how they stand, how far they are, what they score and take.

    \b
    newt runs list
    newt runs list --json

    A run is running, finished, stopped (it saved at its end), crashed (it did not), empty, or
    damaged. MB are those on the disk. Runs of a finetuning are listed under its name.
    """
    from newt_core.reporting.runs.state import inspect_run
    from newt_core.training.run_folder import list_runs

    found = {
        folder.path.relative_to(runs_dir).as_posix(): inspect_run(folder)
        for folder in list_runs(runs_dir, grouped=True)
    }
    if as_json:
        console.write_json([{**info.to_json(), "name": name} for name, info in found.items()])
        return
    if not found:
        console.notice(f"there is no run in {runs_dir}/ yet: 'newt train' starts one.")
        return
    console.write_table(
        COLUMNS,
        [_row(name, info) for name, info in found.items()],
        right=COLUMNS[2:7],
        gives_way=("changed", "MB", "best", "of", "steps"),
    )
    for name, info in found.items():
        if info.problem is not None:
            console.notice(f"{name}: {info.problem}")


@app.command()
def show(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]",
            help="A run's name or folder; by default the newest.",
            show_default=False,
        ),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Show one run: state, settings in short, scores, checkpoints, and what it takes.

    \b
    newt runs show
    newt runs show balance --json
    """
    from newt_core.reporting.runs.details import details
    from newt_core.reporting.runs.state import inspect_run
    from newt_core.training.run_folder import RunFolder

    chosen = RunFolder.newest(root=runs_dir) if run is None else RunFolder.open(run, root=runs_dir)
    info = inspect_run(chosen)
    found = details(info)
    if as_json:
        console.write_json({**info.to_json(), **found.to_json()})
        return
    for heading, text in found.lines.items():
        console.write(f"{heading:<15}{text}")
    if info.problem is not None:
        console.notice(info.problem)


@app.command()
def clean(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Names or folders of runs; by default all."),
    ] = None,
    what: Annotated[
        str,
        typer.Option(
            metavar="KINDS",
            help="What may go, a comma list: replay, checkpoints, empty, leftovers.",
        ),
    ] = "replay,checkpoints,empty,leftovers",
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Delete what of runs is of no use any more, after showing it and asking.

    \b
    newt runs clean
    newt runs clean balance --what replay
    newt runs clean --what empty,leftovers --yes

    Of finished runs, the replay and the step files can go: last.pt and best.pt stay. Runs
    that never had a checkpoint or an evaluation can go whole, and so can files that killed
    processes left. Nothing of a run that is running, stopped or crashed goes, but leftovers.
    """
    from newt_core.reporting.runs.clean import delete, find_useless, require_kinds
    from newt_core.training.run_folder import RunFolder, list_runs

    kinds = require_kinds(what)
    chosen = [RunFolder.open(name, root=runs_dir) for name in names or ()]
    items = find_useless(
        chosen or list_runs(runs_dir, grouped=True), kinds, root=None if chosen else runs_dir
    )
    size = sum(item.bytes for item in items)
    if not as_json:
        _write_items(items)
    go = bool(items) and (yes or (not as_json and _asked(len(items), size)))
    gone = delete(items) if go else []
    kept = len(items) - len(gone) if go else 0
    if kept:
        console.notice(f"left {kept} alone: a process has gone to work there")
    if as_json:
        document = {"items": [item.to_json() for item in items], "bytes": size}
        console.write_json({**document, "deleted": [str(item.path) for item in gone]})
    elif gone:
        console.notice(f"deleted {len(gone)}, {_megabytes(sum(one.bytes for one in gone))} MB")
    if items and not go:
        console.notice("nothing was deleted: --yes does it without asking")


def _asked(count: int, size: int) -> bool:
    """Ask a person; where there is none, the answer is no."""
    if not sys.stdin.isatty():
        return False
    return typer.confirm(f"Delete these {count}, {_megabytes(size)} MB?", err=True)


def _write_items(items: list[Item]) -> None:
    if not items:
        console.notice("there is nothing to clean up")
        return
    rows = [(item.kind, _megabytes(item.bytes), str(item.path)) for item in items]
    console.write_table(ITEM_COLUMNS, rows, right=["MB"], folds=["path"])


def _row(name: str, info: RunInfo) -> tuple[str, ...]:
    total = f"{info.total:,}" if info.total is not None else console.NO_VALUE
    updates = " updates" if info.part == "pretraining" else ""
    return (
        name,
        str(info.state),
        f"{info.done:,}",
        total + updates,
        console.number(info.score, 3),
        console.number(info.best, 3),
        _megabytes(info.bytes),
        f"{info.changed:%Y-%m-%d %H:%M}",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
