"""``newt demos``: what demonstrations there are, whether they are whole, and other formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.counts import count_display, counted
from newt_cli.demo_download import download
from newt_cli.demo_files import (
    at_a_glance,
    in_full,
    report_of,
    say_written,
    summaries_of,
    write_files,
    write_in_full,
)
from newt_cli.failures import FAILED

if TYPE_CHECKING:
    from newt_core.specs import SpecLibrary

app = command_app()

What = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="WHAT",
        help="Files, folders or task selectors; by default all files in --demos.",
    ),
]
Folder = Annotated[
    Path, typer.Option("--demos", metavar="FOLDER", help="Where the files <task>.h5 are.")
]
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write.")]
Append = Annotated[bool, typer.Option("--append", help="Add to the file that is there.")]

DEMOS = Path("demos")


@app.callback()
def demos() -> None:
    """List, check, convert and fetch demonstrations.

    \b
    newt demos list
    newt demos validate
    newt demos plot pygame-cowboy --out cowboy.png
    """


@app.command("list")
def list_demos(
    what: What = None,
    folder: Folder = DEMOS,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """List demonstration files, one line each.

    \b
    newt demos list
    newt demos list miniarcade --demos demos --json

    A file that cannot be read is listed with the reason, and the exit code is 1.
    """
    summaries, damaged = summaries_of(what, folder, _library(specs))
    if as_json:
        tasks = {s.header.task: at_a_glance(s) for s in summaries}
        console.write_json({"tasks": tasks, "damaged": damaged})
    else:
        write_files(summaries)
    for reason in damaged.values():
        console.notice(reason)
    if damaged:
        raise typer.Exit(FAILED)


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="TASK|FILE", help="A task's id or a file.")],
    folder: Folder = DEMOS,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Show where a file comes from, and its episodes.

    \b
    newt demos show pygame-cowboy
    newt demos show demos/pygame-cowboy.h5 --json
    """
    from newt_core.demos.folder import find_files, summarise_file
    from newt_core.errors import DemoError

    library = _library(specs)
    files = find_files([what], folder, library)
    if len(files) > 1:
        raise DemoError(f"'{what}' is {len(files)} files: name one. 'newt demos list' lists them.")
    summary = summarise_file(files[0], library)
    if as_json:
        console.write_json(in_full(summary))
        return
    write_in_full(summary)


@app.command()
def validate(
    what: What = None,
    folder: Folder = DEMOS,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Check files thoroughly, and name the episodes that are wrong.

    \b
    newt demos validate
    newt demos validate pygame-cowboy demos/pygame-pong.h5 --json

    It finds truncated and damaged files, values that are not finite, wrong dimensions, other
    tasks and specs, actions out of range, and episodes out of order. The exit code is 1 if
    anything is wrong.
    """
    from newt_core.demos.folder import find_files
    from newt_core.demos.validate import validate as check

    library = _library(specs)
    paths = find_files(what or (), folder, library)
    reports = []
    with count_display("files") as told:
        for path in paths:
            reports.append(check(path, library))
            told(len(reports), len(paths))
    if as_json:
        console.write_json({"files": [report_of(report) for report in reports]})
    else:
        for report in reports:
            verdict = "ok" if report.ok else "WRONG"
            console.write(f"{verdict:<6}{report.path}: whole episodes: {report.whole}")
            for problem in report.problems:
                console.write(f"      {problem}")
    if not all(report.ok for report in reports):
        raise typer.Exit(FAILED)


@app.command("import")
def import_demos(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A published file, <task>.pt, or an export.")
    ],
    task: Annotated[str, typer.Option("--task", metavar="T", help="The task it shows.")],
    out: Out = DEMOS,
    append: Append = False,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Convert a published demonstration file, or an exported one, to Newt's format.

    \b
    newt demos import walker-run.pt --task walker-run
    newt demos import exported/newt/pygame-pong-v1 --task pygame-pong --out mine

    Nothing in the file is run as code. Rows are shifted by one, rows without action are dropped,
    padding is cut off. Of a ManiSkill file, the first 20 episodes are taken.
    """
    from newt_core.demos.convert import import_file
    from newt_core.demos.folder import demo_path, summarise_file
    from newt_core.errors import DemoError

    library = _library(specs)
    spec = library[task]
    if file.stem in library and file.stem != spec.id:
        raise DemoError(
            f"{file} is named after the task '{file.stem}', not '{spec.id}'. Rename it if its "
            "name is wrong."
        )
    path = demo_path(out, spec.id)
    import_file(file, path, spec, append=append)
    say_written(summarise_file(path, library), as_json)


app.command()(download)


@app.command()
def export(
    what: What = None,
    form: Annotated[
        Literal["minari", "published"],
        typer.Option("--format", help="A Minari dataset, or the published PyTorch file."),
    ] = "minari",
    folder: Folder = DEMOS,
    out: Out = Path("exported"),
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Write demonstrations in another format.

    \b
    newt demos export pygame-cowboy
    newt demos export miniarcade --format published --out published
    """
    from newt_core.demos.convert import export_minari
    from newt_core.demos.folder import find_files, summarise_file
    from newt_core.demos.published import write_published
    from newt_core.demos.read import read_demos

    library = _library(specs)
    written: dict[str, str] = {}
    for path in find_files(what or (), folder, library):
        spec = library[summarise_file(path, library).header.task]
        if form == "minari":
            target = export_minari(path, spec, out)
        else:
            target = out / f"{spec.id}.pt"
            write_published(target, list(read_demos(path, spec)))
        written[spec.id] = str(target)
        console.notice(f"wrote {target}")
    if as_json:
        console.write_json({"format": form, "tasks": written})


@app.command()
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of one task.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
    append: Append = False,
    damaged_too: Annotated[
        bool, typer.Option("--damaged-too", help="Recover the whole episodes of damaged files.")
    ] = False,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Merge files of one task; of equal episodes, one is kept.

    \b
    newt demos merge demos/pygame-cowboy.h5 more/pygame-cowboy.h5 --out all.h5
    newt demos merge damaged.h5 --out rest.h5 --damaged-too
    """
    from newt_core.demos.convert import merge as put_together
    from newt_core.demos.folder import summarise_file

    library = _library(specs)
    duplicates = put_together(files, out, library, append=append, damaged_too=damaged_too)
    if duplicates:
        console.notice(f"left out {counted(duplicates, 'episode')} already in it")
    say_written(summarise_file(out, library), as_json)


@app.command()
def plot(
    what: What = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The picture: .png, .jpg, .svg or .pdf.")
    ] = Path("demos.png"),
    folder: Folder = DEMOS,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Plot returns and lengths, one panel per task.

    \b
    newt demos plot --out demos.png
    newt demos plot pygame-cowboy,pygame-pong --out two.png
    """
    from newt_core.demos.folder import find_files, summarise_file
    from newt_core.demos.plot import PICTURES, plot_demos

    if out.suffix.lower() not in PICTURES:
        raise typer.BadParameter(f"'{out}' must end in {', '.join(PICTURES)}")
    library = _library(specs)
    summaries = [summarise_file(path, library) for path in find_files(what or (), folder, library)]
    plot_demos(summaries, out)
    if as_json:
        console.write_json({"path": str(out), "tasks": [s.header.task for s in summaries]})
    else:
        console.notice(f"wrote {out}: {counted(len(summaries), 'task')}")


def _library(specs: list[Path] | None) -> SpecLibrary:
    from newt_core.specs import load_specs

    return load_specs(specs or ())
