"""``newt report``: a page about one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.numbers import number_option

if TYPE_CHECKING:
    from newt_core.training.run_folder import RunFolder

app = command_app()

PAGE = ".html"
REFRESH = 10
"""Seconds after which a browser asks for the page again, by default."""


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
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Serve the page to a browser on this machine, always the newest."
        ),
    ] = False,
    port: Annotated[
        int | None,
        number_option(0, 65_535, "Where --watch serves it; 8642 by default, 0 for any free one."),
    ] = None,
    refresh: Annotated[
        int | None,
        number_option(1, 86_400, "Seconds after which --watch has the browser ask again; 10."),
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

    With --watch, the page is served at http://127.0.0.1:8642/ to browsers on this machine alone, as
    it is at any moment, until Ctrl-C.
    """
    if out is not None and out.suffix.lower() != PAGE:
        raise typer.BadParameter(f"'{out}' must end in {PAGE}", param_hint="'--out'")
    _refuse_what_does_not_go_together(watch, out, port, refresh)
    from newt_core.reporting.page import write_report
    from newt_core.training.run_folder import RunFolder

    folders = [RunFolder.open(name, root=runs_dir) for name in runs or ()]
    folders = folders or [RunFolder.newest(root=runs_dir)]
    if watch:
        _serve(folders, port, refresh or REFRESH, as_json)
        return
    path = out or (folders[0].report if len(folders) == 1 else runs_dir / folders[0].report.name)
    write_report(folders, path)
    if as_json:
        console.write_json({"path": str(path)})
    else:
        console.write(str(path))


def _refuse_what_does_not_go_together(
    watch: bool, out: Path | None, port: int | None, refresh: int | None
) -> None:
    from newt_core.errors import ConfigError

    if watch and out is not None:
        raise ConfigError("--watch serves the page and writes no file: leave --out out.")
    if not watch and (port is not None or refresh is not None):
        option = "--port" if port is not None else "--refresh"
        raise ConfigError(f"{option} is for --watch: leave it out, or add --watch.")


def _serve(folders: list[RunFolder], port: int | None, refresh: int, as_json: bool) -> None:
    from newt_core.reporting.facts import gather
    from newt_core.reporting.page import render_page
    from newt_core.reporting.watch import PORT, Watch

    def page() -> str:
        return render_page([gather(folder) for folder in folders], folders[0].path)

    page()  # What is wrong with the runs is said before anything is served.
    server = Watch(page, seconds=refresh, port=PORT if port is None else port)
    try:
        if as_json:
            console.write_json({"address": server.address})
        else:
            console.write(server.address)
        console.notice("Ctrl-C ends it.")
        server.serve()
    except KeyboardInterrupt:
        console.notice("no longer served")
    finally:
        server.close()
