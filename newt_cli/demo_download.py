"""``newt demos download``: the authors' demonstrations, straight into files of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newt_cli import console, options
from newt_cli.consent import Yes, agreed
from newt_cli.counts import counted, download_display
from newt_cli.demo_files import at_a_glance
from newt_cli.failures import FAILED

if TYPE_CHECKING:
    from newt_core.specs import TaskSpec
    from newt_core.workflows.hub import HubFile


def download(
    selector: Annotated[
        str, typer.Argument(metavar="[SEL]", help=f"{options.SELECTOR_HELP} By default all.")
    ] = "all",
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where the files <task>.h5 go.")
    ] = Path("demos"),
    yes: Yes = False,
    specs: options.Specs = None,
    as_json: options.Json = False,
) -> None:
    """Fetch the authors' published demonstrations, and make files of ours from them.

    \b
    newt demos download walker-run
    newt demos download miniarcade --yes

    Tasks whose file is here already are left out, and an interrupted download goes on where it
    stopped. HF_ENDPOINT names a mirror of Hugging Face, HF_HUB_OFFLINE=1 forbids the network.
    """
    from newt_core.demos.convert import import_file
    from newt_core.demos.folder import demo_path, summarise_file
    from newt_core.errors import DemoError
    from newt_core.specs import load_specs
    from newt_core.workflows import hub

    library = load_specs(specs or ())
    chosen = library.select(selector)
    wanted = [spec for spec in chosen if not demo_path(out, spec.id).exists()]
    if len(wanted) < len(chosen):
        console.notice(f"{len(chosen) - len(wanted)} of {len(chosen)} tasks are in {out} already")
    files = _files_of(wanted)
    missing = [file for file in files.values() if not file.present]
    if missing:
        size = sum(file.size for file in missing) / 1e6
        verb = "is" if len(missing) == 1 else "are"
        if not agreed(f"{counted(len(missing), 'file')} {verb} {size:,.1f} MB to fetch", yes):
            raise typer.Exit
    written, problems = {}, {}
    for spec in wanted:
        file = files.get(spec.id)
        if file is None:
            problems[spec.id] = f"{hub.DEMONSTRATIONS.repository} has no demonstrations of it"
            continue
        fetched = not file.present
        with download_display(file.name) as progress:
            hub.fetch(file, progress)
        try:
            path = demo_path(out, spec.id)
            import_file(file.home, path, spec)
        except DemoError as error:
            problems[spec.id] = str(error)
            continue
        if fetched:  # All of it is in our file; what the user has brought is his.
            file.home.unlink(missing_ok=True)
        written[spec.id] = at_a_glance(summarise_file(path, library))
        console.notice(f"wrote {path}: {counted(written[spec.id]['episodes'], 'episode')}")
    for task, problem in problems.items():
        console.notice(f"{task}: {problem}")
    if as_json:
        console.write_json({"tasks": written, "problems": problems})
    if problems:
        raise typer.Exit(FAILED)


def _files_of(specs: list[TaskSpec]) -> dict[str, HubFile]:
    """Return the tasks' files: here, if all of them are, or as the hub lists them."""
    from newt_core.workflows import hub

    source = hub.DEMONSTRATIONS
    here = hub.brought_files(source)
    found = {spec.id: hub.find_file(here, spec.id) for spec in specs}
    missing = [task for task, file in found.items() if file is None]
    if missing:
        listed = hub.published_files(source, missing[0] if len(missing) == 1 else None)
        found = {task: file or hub.find_file(listed, task) for task, file in found.items()}
    return {task: file for task, file in found.items() if file is not None}
