"""``newt compare``: runs beside each other, with statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newt_cli import console, options
from newt_cli.commands import command_app
from newt_cli.numbers import number_option
from newt_core.settings import limits

app = command_app()


@app.command()
def compare(
    methods: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]RUN[,RUN…]...",
            help="What to compare: runs, patterns of their names, or files that newt eval --json "
            "printed. Those joined by commas, or by a pattern, count as repetitions of one method. "
            "What newt train --each made counts as one run of all its tasks.",
        ),
    ],
    tasks: options.MaybeTasks = None,
    at: Annotated[
        int | None,
        number_option(
            0,
            limits.COUNT,
            "Take each run's last evaluation up to so many steps; by default its newest.",
        ),
    ] = None,
    resample: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="What the intervals draw anew: runs, tasks or both. By default the runs, or the "
            "tasks where every method has one run only.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Hold all others against this method: differences from it, and who beats it.",
        ),
    ] = None,
    repeats: Annotated[
        int, number_option(100, 100_000, "Repetitions of the bootstrap that makes intervals.")
    ] = 2000,
    seed: Annotated[int, number_option(0, limits.SEED, "Seed of the bootstrap.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="STEM", help="Write a table, the numbers and a picture: STEM.md, .csv, .png."
        ),
    ] = None,
    specs: options.Specs = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Compare runs: aggregates with 95 % intervals, who beats whom, profiles, curves.

    \b
    newt compare balance swingup
    newt compare 'mine=walk-seed*' scratch=base-1,base-2 --out walk
    newt compare plain=base-1,base-2 'mine=walk-seed*' --baseline plain
    newt compare multi=balance single=experts
    newt compare agent.json random.json --json

    Compared are the tasks that all were evaluated on: mean, interquartile mean, median and
    optimality gap of each domain and in total. A checkpoint is evaluated first: newt eval CKPT
    --json > FILE.json.
    """
    from newt_core.errors import ConfigError
    from newt_core.evaluation.statistics import require_resampled
    from newt_core.reporting.compare.comparison import compare as compared
    from newt_core.reporting.compare.document import document
    from newt_core.reporting.compare.read import read_methods
    from newt_core.reporting.compare.tables import (
        columns,
        group_rows,
        improvement_lines,
    )
    from newt_core.reporting.compare.write import stem_of, write_comparison
    from newt_core.specs import load_specs

    if out is not None and not stem_of(out).name:
        raise ConfigError(f"'{out}' is no name for files: write one such as results.")
    resampled = require_resampled(resample) if resample is not None else None
    library = load_specs(specs or ())
    chosen = None if tasks is None else [spec.id for spec in library.select(tasks)]
    found = compared(
        read_methods(methods, at=at, root=runs_dir),
        library,
        tasks=chosen,
        resampled=resampled,
        repeats=repeats,
        seed=seed,
        baseline=baseline,
    )
    written = write_comparison(found, stem_of(out)) if out is not None else []
    if as_json:
        console.write_json({**document(found), "files": [str(path) for path in written]})
        return
    console.write_table(
        columns(found),
        group_rows(found),
        right=columns(found)[2:],
        gives_way=("optimality gap", "median", "steps", "runs", "mean"),
    )
    for line in improvement_lines(found):
        console.write(line)
    for remark in found.remarks:
        console.notice(remark)
    for path in written:
        console.notice(f"wrote {path}")
