"""``newt assets``: downloaded files that some tasks need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.counts import download_display

if TYPE_CHECKING:
    from newt_core.envs.assets import AssetStatus

app = command_app()

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Assets; by default all.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="The folder of the assets; by default $NEWT_ASSETS, else ManiSkill's $MS_ASSET_DIR, "
        "else ~/.maniskill.",
    ),
]


@app.callback()
def assets() -> None:
    """List, download and check files that some tasks need.

    \b
    newt assets list
    newt assets download ycb
    newt assets check

    All are in one folder. Set NEWT_ASSETS to choose another.
    """


@app.command("list")
def list_assets(names: Names = None, folder: Folder = None, as_json: options.Json = False) -> None:
    """List assets, whether they are downloaded, and how many tasks need them.

    \b
    newt assets list
    newt assets list --json
    """
    _report(_look(names, folder), as_json)


@app.command()
def check(names: Names = None, folder: Folder = None, as_json: options.Json = False) -> None:
    """Check that the assets' files are complete and, if Newt downloaded them, unchanged.

    \b
    newt assets check
    newt assets check ycb
    """
    found = _look(names, folder)
    _report(found, as_json)
    problems = [status for status in found if status.problem]
    for status in problems:
        console.notice(f"{status.name}: {status.problem}. {_remedy(status)}")
    if problems:
        raise typer.Exit(1)


@app.command()
def download(names: Names = None, folder: Folder = None, as_json: options.Json = False) -> None:
    """Download assets that are missing or incomplete.

    \b
    newt assets download
    newt assets download ycb xarm6 --folder assets
    """
    from newt_core.envs.asset_download import download_asset
    from newt_core.envs.assets import assets_folder

    root = _absolute(folder)
    for status in _look(names, folder):
        if status.problem is None:
            console.notice(f"{status.name} is here already: {status.path}")
            continue
        with console.quiet_stdout(), download_display(status.name) as on_progress:
            path = download_asset(status.name, root, on_progress)
        console.notice(f"downloaded {status.name}: {path}")
    _report(_look(names, folder), as_json)
    if root not in (None, assets_folder()):
        console.notice(f"To have tasks find them: export NEWT_ASSETS={root}")


def _absolute(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    if folder.is_file():
        raise typer.BadParameter(f"'{folder}' is a file", param_hint="'--folder'")
    return folder.expanduser().absolute()


def _look(names: list[str] | None, folder: Path | None) -> list[AssetStatus]:
    from newt_core.envs.assets import ASSETS, asset_status, find_asset

    for name in names or ():
        find_asset(name)  # a wrong name fails before anything is done
    return [asset_status(name, _absolute(folder)) for name in names or ASSETS]


def _report(found: list[AssetStatus], as_json: bool) -> None:
    tasks = _tasks_by_asset()
    if as_json:
        console.write_json(
            [
                {
                    "name": status.name,
                    "title": status.title,
                    "present": status.present,
                    "path": status.path,
                    "bytes": status.bytes,
                    "sha256": status.sha256,
                    "problem": status.problem,
                    "tasks": tasks.get(status.name, []),
                }
                for status in found
            ]
        )
        return
    console.write_table(
        ("asset", "what", "present", "MB", "tasks", "path"),
        [
            (
                status.name,
                status.title,
                "yes" if status.present else "no",
                console.number(status.bytes / 1e6) if status.bytes else console.NO_VALUE,
                str(len(tasks.get(status.name, []))),
                str(status.path),
            )
            for status in found
        ],
        right=("MB", "tasks"),
        folds=("what", "path"),
        gives_way=("what", "MB"),
    )


def _remedy(status: AssetStatus) -> str:
    return f"Get it with: newt assets download {status.name}"


def _tasks_by_asset() -> dict[str, list[str]]:
    from newt_core.specs import load_specs

    needed: dict[str, list[str]] = {}
    for spec in load_specs().values():
        for name in spec.assets:
            needed.setdefault(name, []).append(spec.id)
    return needed
