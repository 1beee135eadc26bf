"""``newt report``: a page about one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newt_cli import console, options

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PAGE = ".html"


@app.command()
def report(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Names or folders of runs; by default the newest run.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The page to write; by default report.html in the run's folder, or in --runs-dir "
            "if there are several runs.",
        ),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Write a page about runs: scores, curves, losses, videos.

    \b
    newt report
    newt report balance
    newt report balance swingup --out both.html

    The page is a single file that includes pictures and small videos. Several runs are compared.
    To compare with random actions, save the output of 'newt eval random --json' as random.json in
    the run's folder.
    """
    if out is not None and out.suffix.lower() != PAGE:
        raise typer.BadParameter(f"'{out}' must end in {PAGE}", param_hint="'--out'")
    from newt_core.reporting.page import write_report
    from newt_core.training.run_folder import RunFolder

    folders = [RunFolder.open(name, root=runs_dir) for name in runs or ()]
    folders = folders or [RunFolder.newest(root=runs_dir)]
    path = out or (folders[0].report if len(folders) == 1 else runs_dir / folders[0].report.name)
    write_report(folders, path)
    if as_json:
        console.write_json({"path": str(path)})
    else:
        console.write(str(path))
