"""``newt ablate``: the same run with parts of the method left out, and what that costs.

Each row of a table changes some settings of the run that was asked for, the reference
(:mod:`newt_core.training.ablations`), and is run with every seed. What comes of it is a comparison
with the reference, as ``newt compare`` makes it, and a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newt_core.encoders.text.choose import Notice
from newt_core.errors import ConfigError
from newt_core.evaluation.statistics import Estimate
from newt_core.reporting.compare.comparison import Compared, Comparison, compare
from newt_core.reporting.compare.published import TOTAL
from newt_core.reporting.compare.read import read_methods
from newt_core.reporting.compare.write import write_comparison
from newt_core.reporting.page import write_report
from newt_core.specs import SpecLibrary, TaskSpec, load_specs
from newt_core.training.ablations import REFERENCE, Row, read_table
from newt_core.training.config import RunConfig
from newt_core.training.run_list import Member, RunList
from newt_core.training.run_name import RUNS, check_name
from newt_core.workflows.asked import Asked
from newt_core.workflows.run_many import Ended, ListContext, Measure, make_runs
from newt_core.workflows.run_parts import RunParts
from newt_core.workflows.settings import check_settings, texts_of
from newt_core.workflows.sizes import check_room_of_all

SEEDS = 3
"""Of each row, where nothing says otherwise."""


@dataclass(frozen=True)
class AblationRequest:
    """What ``newt ablate`` is asked."""

    asked: Asked
    """The settings of the reference."""
    only: Sequence[str] = ()
    """Names of rows; all without any. The reference always runs."""
    table: Path | None = None
    """A table of the user's own."""
    seeds: int | None = None
    """How many, from the settings' own on; None for :data:`SEEDS`."""
    specs: Sequence[Path] = ()
    """Folders of the user's own task specs."""
    name: str | None = None
    """The ablation's; by default date and tasks."""
    runs: Path = RUNS
    """The folder of all runs."""
    strict: bool = False
    """Leave out no task that cannot run here."""


@dataclass(frozen=True)
class Ablated:
    """What ``newt ablate`` reports."""

    runs: RunList
    rows: dict[str, dict[str, Any]]
    """Row → its first run and all, how many are done, its score beside the reference's."""
    files: list[Path]
    """The table, as it was written, and the page."""
    ended: Ended


def new_ablation(
    request: AblationRequest,
    *,
    measure: Measure = lambda settings, tasks: None,
    notice: Notice = lambda message: None,
) -> RunList:
    """Check what was asked for, and only then make a folder.

    Args:
        request: What is asked.
        measure: Asked once for each row, when all else is found to be right.
        notice: Told which rows are left out, and why.

    Raises:
        NewtError: Whatever the user can put right.
    """
    table = read_table(request.table).chosen(request.only)
    check_name(request.name, request.runs)
    checked = check_settings(
        request.asked,
        specs=request.specs,
        runs=request.runs,
        strict=request.strict,
        check=_require_fresh,
        notice=notice,
    )
    reference, specs = checked.settings, checked.parts.specs
    rows = _rows(table, reference, asked_for=request.only, notice=notice)
    for name, config in rows.items():
        if name != REFERENCE:
            _check(config, specs, request.runs)
    seeds = [reference.seed + number for number in range(request.seeds or SEEDS)]
    settings = {
        Member(f"{name}_seed-{seed}", name, seed): config.model_copy(update={"seed": seed})
        for seed in seeds  # All rows come to their first score before any has its second.
        for name, config in rows.items()
    }
    check_room_of_all([(config, specs) for config in settings.values()], request.runs)
    seconds = {name: measure(config, specs) for name, config in rows.items()}
    return RunList.create(
        request.name,
        "ablation",
        settings,
        label=f"ablate_{checked.label}",
        root=request.runs,
        specs=texts_of(request.specs),
        seconds=seconds,
    )


def _require_fresh(settings: RunConfig) -> None:
    if settings.pretrained is not None:
        raise ConfigError(
            f"an ablation begins every run anew, not with {settings.pretrained}: leave pretrained "
            "out."
        )


def _rows(
    table: Sequence[Row], reference: RunConfig, *, asked_for: Sequence[str], notice: Notice
) -> dict[str, RunConfig]:
    """Return the settings of the rows that mean something, having said which do not."""
    lacking = [row.name for row in table if row.needs_demos and reference.demos.folder is None]
    refused = [name for name in lacking if name in asked_for]
    if refused:
        raise ConfigError(
            f"the ablation '{refused[0]}' means nothing without demonstrations: name their folder "
            "with --demos, or leave it out."
        )
    if lacking:
        notice(f"left out, as there are no --demos: {', '.join(lacking)}")
    rows = {row.name: row.of(reference) for row in table if row.name not in lacking}
    same = [name for name, of in rows.items() if name != REFERENCE and of == reference]
    if same:
        notice(f"left out, as these are the reference's own settings: {', '.join(same)}")
    rows = {name: config for name, config in rows.items() if name not in same}
    if list(rows) == [REFERENCE]:
        raise ConfigError(
            "nothing is left to ablate: every row chosen comes to the reference's own settings."
        )
    return rows


def _check(config: RunConfig, specs: Sequence[TaskSpec], runs: Path) -> None:
    """Find what is wrong with a row's settings; the demonstrations were looked at already."""
    without = config.model_copy(update={"demos": config.demos.model_copy(update={"folder": None})})
    RunParts(without, specs).check(runs)


def ablate(context: ListContext) -> Ablated:
    """Make the runs that are not done yet, and write the table of those that are.

    Raises:
        NewtError: Whatever the user can put right.
    """
    runs = context.runs
    with runs.lock():
        ended = make_runs(context)
        rows, files = _results(runs, whole=not ended.interrupted)
    return Ablated(runs, rows, files, ended)


def _results(runs: RunList, *, whole: bool) -> tuple[dict[str, dict[str, Any]], list[Path]]:
    """Write the table and the page, and return the rows."""
    done = runs.done()
    members = {
        group: [member for member in runs.members if member.group == group] for group in runs.groups
    }
    finished = {
        group: [member.name for member in its if member.name in done]
        for group, its in members.items()
    }
    words = [f"{group}={','.join(names)}" for group, names in finished.items() if names]
    found, files = None, []
    if words:
        found = compare(
            read_methods(words, root=runs.path),
            _library(runs),
            baseline=REFERENCE if finished.get(REFERENCE) else None,
        )
        files = write_comparison(found, runs.results)
        if whole:
            folders = [runs.run(member) for member in runs.members if member.name in done]
            write_report(folders, runs.report)
            files.append(runs.report)
    rows = {
        group: {
            "run": str(runs.run(its[0]).path),
            "runs": [str(runs.run(member).path) for member in its],
            "done": len(finished[group]),
            **_numbers(_of(found, group)),
        }
        for group, its in members.items()
    }
    return rows, files


def _library(runs: RunList) -> SpecLibrary:
    kept = runs.run(runs.members[0]).specs
    return load_specs([kept] if kept.is_dir() else [])


def _of(found: Comparison | None, group: str) -> Compared | None:
    if found is None:
        return None
    return next((one for one in found.methods if one.method.name == group), None)


def _numbers(one: Compared | None) -> dict[str, Any]:
    """Return a row's score and its difference from the reference, with 95 % intervals."""
    if one is None:
        return dict.fromkeys(("score", "ci95", "difference", "difference_ci95"))
    score, difference = one.groups[TOTAL]["mean"], one.differences.get(TOTAL)
    return {
        "score": score.value,
        "ci95": _interval(score),
        "difference": difference.value if difference is not None else None,
        "difference_ci95": _interval(difference) if difference is not None else None,
    }


def _interval(estimate: Estimate) -> list[float | None] | None:
    return None if estimate.low is None else [estimate.low, estimate.high]
