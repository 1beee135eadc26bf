"""``newt ablate``: parts of the method left out, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newt_cli import console, options
from newt_cli import setting_options as settings
from newt_cli.commands import command_app
from newt_cli.display import training_display
from newt_cli.failures import StopRequest
from newt_cli.forecasts import ForecastOfMany
from newt_cli.numbers import number_option
from newt_cli.run_lists import find_list, leave
from newt_cli.run_settings import require_own_settings

if TYPE_CHECKING:
    from newt_core.workflows.run_many import ListContext

app = command_app()

MOST_SEEDS = 1_000
"""A run of each row for each: more would be a slip of the finger."""


@app.command()
def ablate(
    context: typer.Context,
    tasks: options.MaybeTasks = None,
    demos: settings.Demos = None,
    steps: settings.Steps = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[,NAME…]",
            help="Run these ablations alone, and the reference; may be repeated.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        number_option(1, MOST_SEEDS, "Training seeds, from --seed on: a run each; by default 3."),
    ] = None,
    jobs: settings.Jobs = 1,
    table: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A table of ablations of your own, a YAML file."),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the table of ablations and run nothing.")
    ] = False,
    size: settings.Size = None,
    preset: settings.Preset = None,
    config: settings.Config = None,
    set_: settings.Set = None,
    seed: settings.Seed = None,
    device: settings.Device = None,
    run: settings.Run = None,
    resume: settings.Resume = False,
    specs: options.Specs = None,
    strict: options.Strict = False,
    text_encoder: settings.TextEncoder = None,
    save_replay: settings.SaveReplay = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Leave parts of the method out, one at a time, and say what each was worth.

    \b
    newt ablate --list
    newt ablate --task pygame-cowboy --preset cpu --demos demos --run parts
    newt ablate --tasks 'walker-*' --preset cpu --only no-language --jobs 2
    newt ablate --run parts --resume

    Each row of the table changes a setting or two of the run that is asked for, the reference, and
    is run with every seed. The runs lie in the ablation's folder, with results.md, .csv and .png
    and report.html. A table of your own: see docs/ablations.md.

    Ctrl-C and SIGTERM save the runs that are at work and say how to go on.
    """
    from newt_core.training.ablations import read_table
    from newt_core.workflows import ablate as workflow
    from newt_core.workflows.run_many import ListContext, existing_list

    names = [name.strip() for word in only or () for name in word.split(",") if name.strip()]
    if list_:
        _write_list([row for row in read_table(table).chosen(names)], as_json=as_json)
        return
    request = workflow.AblationRequest(
        settings.asked(context), names, table, seeds, specs or (), run, runs_dir, strict=strict
    )
    if resume:
        if names or table is not None or seeds is not None:
            raise typer.BadParameter(
                "an ablation goes on with its own rows and seeds; leave --only, --table and "
                "--seeds out",
                param_hint="'--resume'",
            )
        require_own_settings(preset, config)
        runs = find_list("ablation", run, runs_dir)
        made = existing_list(runs, request.asked, jobs=jobs)
    else:
        forecast = ForecastOfMany()
        runs = workflow.new_ablation(request, measure=forecast, notice=console.notice)
        forecast.tell(runs, jobs)
        made = ListContext(runs, jobs)
    _ablate(made, as_json=as_json)


def _ablate(made: ListContext, *, as_json: bool) -> None:
    """Make the runs, showing how it goes, and print the table."""
    from newt_core.workflows import ablate as workflow

    folder = made.runs.path
    with console.quiet_stdout(), training_display(folder.name) as display:
        stop = StopRequest(display.note)
        with stop.listening():
            result = workflow.ablate(replace(made, progress=display, should_stop=stop))
    files = [str(path) for path in result.files]
    if as_json:
        failed = {member.name: why for member, why in result.ended.failed.items()}
        document = {"run": str(folder), "rows": result.rows, "files": files, "failed": failed}
        console.write_json(document)
    else:
        _write_rows(result.rows)
        for path in files:
            console.write(path)
    leave(result.ended, "ablate", folder, made.jobs)


def _write_rows(rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a row of each ablation, and how many of its runs are done."""
    cells = [
        (
            name,
            f"{row['done']}/{len(row['runs'])}",
            _cell(row["score"], row["ci95"]),
            _cell(row["difference"], row["difference_ci95"]),
        )
        for name, row in rows.items()
    ]
    numbers = ("runs", "score", "difference")
    console.write_table(("ablation", *numbers), cells, right=numbers, gives_way=("runs",))


def _cell(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return console.NO_VALUE
    return f"{value:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def _write_list(rows: Any, *, as_json: bool) -> None:
    """Print the table of ablations."""
    if as_json:
        console.write_json([row.model_dump(mode="json") for row in rows])
        return
    console.write_table(
        ("ablation", "changes", "what it is"),
        [(row.name, row.changes or console.NO_VALUE, row.description) for row in rows],
        folds=("changes", "what it is"),
        gives_way=("what it is",),
    )
    without = [row.name for row in rows if row.needs_demos]
    if without:
        console.notice(f"with --demos only: {', '.join(without)}")
