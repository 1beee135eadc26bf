"""``newt train --each``: one run for each of several tasks, instead of one of all.

This is how the paper's demonstrations were come by: an agent of its own for each task, whose
episodes are recorded (``newt collect-demos --expert FOLDER``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from newt_core.demos.opened import OpenDemos
from newt_core.encoders.text.choose import Notice
from newt_core.envs.availability import runnable
from newt_core.errors import ConfigError
from newt_core.specs import TaskSpec, load_specs
from newt_core.training.config import RunConfig
from newt_core.training.run_list import Member, RunList
from newt_core.training.run_name import RUNS, check_name, run_label
from newt_core.workflows.asked import Asked
from newt_core.workflows.run_many import Ended, ListContext, Measure, make_runs
from newt_core.workflows.settings import check_settings, texts_of
from newt_core.workflows.sizes import check_room_of_all, check_sizes


@dataclass(frozen=True)
class TrainedEach:
    """What ``newt train --each`` reports."""

    runs: RunList
    rows: list[dict[str, Any]]
    """Of each run: its folder, its task, whether it is done, its newest score."""
    ended: Ended


def new_list(
    asked: Asked,
    *,
    specs: Sequence[Path] = (),
    name: str | None = None,
    runs: Path = RUNS,
    strict: bool = False,
    measure: Measure = lambda settings, tasks: None,
    notice: Notice = lambda message: None,
) -> RunList:
    """Check what was asked for, and only then make a folder with one run for each task.

    Args:
        asked: The settings that the runs share; ``tasks`` are those that get a run each.
        specs: Folders of the user's own task specs. Every run keeps a copy of their files.
        name: The list's; by default date and tasks.
        runs: The folder of all runs.
        strict: Leave out no task that cannot run here.
        measure: Asked once for each domain, when all else is found to be right.
        notice: Told what was left out or chosen.

    Raises:
        NewtError: Whatever the user can put right.
    """
    check_name(name, runs)
    library, said = load_specs(specs), asked.settings()
    if "tasks" not in said.model_fields_set:
        raise ConfigError("--each makes one run for each task: name some with --tasks.")
    if said.text.instruction is not None or said.text.embodiment is not None:
        raise ConfigError(
            "another wording is for one task, and --each trains several: leave --instruction and "
            "--embodiment out."
        )
    chosen = library.select(runnable(library, said.tasks, strict=strict, notice=notice))
    # What does not depend on the task is looked at once, in full.
    first = replace(asked, flags={**asked.flags, "tasks": chosen[0].id})
    shared = check_settings(first, specs=specs, runs=runs, strict=strict, notice=notice).settings
    if shared.demos.folder is not None:
        for spec in chosen:
            with OpenDemos(shared.demos.folder, [spec]):
                pass
    configs = {
        Member(spec.id, spec.id, shared.seed): shared.model_copy(update={"tasks": spec.id})
        for spec in chosen
    }
    each = list(zip(configs.values(), ([spec] for spec in chosen), strict=True))
    for config, task in each:
        check_sizes(config, task)
    check_room_of_all(each, runs)
    return RunList.create(
        name,
        "each",
        configs,
        label=f"each_{run_label(said.tasks, asked.preset)}",
        root=runs,
        specs=texts_of(specs),
        seconds=_expected(each, measure),
    )


def _expected(
    each: Sequence[tuple[RunConfig, Sequence[TaskSpec]]], measure: Measure
) -> dict[str, float | None]:
    """Return what a run of each task will take: as long as the first of its domain."""
    by_domain: dict[str, float | None] = {}
    for config, (spec,) in each:
        if spec.domain not in by_domain:
            by_domain[spec.domain] = measure(config, [spec])
    return {spec.id: by_domain[spec.domain] for _, (spec,) in each}


def train_each(context: ListContext) -> TrainedEach:
    """Make the runs that are not done yet.

    Raises:
        NewtError: The list cannot be used, or another process is at work in it.
    """
    with context.runs.lock():
        ended = make_runs(context)
        return TrainedEach(context.runs, _rows(context.runs), ended)


def _rows(runs: RunList) -> list[dict[str, Any]]:
    done = runs.done()
    rows = []
    for member in runs.members:
        evaluations = runs.run(member).read_evaluations()
        step = max(evaluations, default=None)
        newest = evaluations[step] if step is not None else {}
        rows.append(
            {
                "run": str(runs.run(member).path),
                "task": member.group,
                "done": member.name in done,
                "steps": step,
                "score": newest.get("score"),
                "ci95": newest.get("ci95"),
            }
        )
    return rows
