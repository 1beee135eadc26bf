"""A page about one run, or about several beside each other, in one file that needs no other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from newt_core.errors import RunFolderError, os_reason
from newt_core.files import write_text
from newt_core.reporting.facts import Facts, gather
from newt_core.reporting.numbers import number
from newt_core.reporting.pictures import annealing, embedded_file, panel, poster
from newt_core.reporting.score_curves import COLOURS, all_tasks, common_scale, draw_task
from newt_core.reporting.template import render_template
from newt_core.training.loss_curves import CURVES, draw_loss, recorded_losses
from newt_core.training.metrics import Row
from newt_core.training.run_folder import RunFolder

TEMPLATE = "page.html.j2"
LARGEST_VIDEO = 3_000_000
"""Bytes of a video that is put into the page; a larger one is linked to."""


@dataclass(frozen=True)
class Picture:
    """One panel."""

    title: str
    address: str


@dataclass(frozen=True)
class Clip:
    """A video on the page."""

    name: str
    address: str
    kind: str
    """``video``, ``image`` or ``link``."""
    poster: str | None
    """A picture out of it."""


@dataclass(frozen=True)
class Section:
    """All that the page shows of one run."""

    name: str
    colour: str | None
    """In the pictures of scores."""
    key_facts: Mapping[str, str]
    facts: Mapping[str, str]
    newest: Mapping[str, Any] | None
    """The newest evaluation."""
    when: str
    """How far the run was then."""
    baseline: Mapping[str, Any] | None
    modes: Mapping[str, Any]
    pretraining_losses: Sequence[Picture]
    losses: Sequence[Picture]
    annealing: str | None
    clips: Sequence[Clip]


def write_report(runs: Sequence[RunFolder], path: Path) -> None:
    """Write a page about some runs.

    Args:
        runs: at least one; several are compared.
        path: the HTML file, which appears whole or not at all.

    Raises:
        NewtError: a run's files cannot be used, or the page cannot be written.
    """
    facts = [gather(run) for run in runs]
    try:
        write_text(path, render_page(facts, path.parent))
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {os_reason(error)}.") from error


def render_page(runs: Sequence[Facts], folder: Path) -> str:
    """Return the page's HTML.

    Args:
        runs: what to show.
        folder: where the page will lie: links to large videos start there.
    """
    evaluated = [run for run in runs if run.history.newest]
    return render_template(
        TEMPLATE,
        filters={"number": _number},
        title=" · ".join(run.folder.name for run in runs),
        sections=[_section(run, folder, _colours(evaluated)) for run in runs],
        tasks=list(dict.fromkeys(task for run in evaluated for task in run.history.tasks)),
        domains=list(dict.fromkeys(d for run in evaluated for d in _newest(run)["domains"])),
        curves=_curves(evaluated),
        has_pretraining=any(run.history.pretraining for run in runs),
        has_baseline=any(run.baseline for run in runs),
    )


def _curves(evaluated: Sequence[Facts]) -> list[Picture]:
    """Return a panel of scores for each task."""
    histories, known = [run.history for run in evaluated], _baseline(evaluated)
    scale = common_scale(histories)

    def drawn(task: str) -> Picture:
        baseline = known.get(task, {}).get("score")
        return Picture(
            task, panel(lambda axes: draw_task(axes, task, histories, baseline, "score", scale))
        )

    return [drawn(task) for task in all_tasks(histories)]


def _colours(evaluated: Sequence[Facts]) -> dict[Path, str]:
    """Return the colour of each run that the pictures of scores show, by its folder."""
    return {run.folder.path: colour for run, colour in zip(evaluated, cycle(COLOURS), strict=False)}


def _section(run: Facts, folder: Path, colours: Mapping[Path, str]) -> Section:
    steps = max(run.history.interaction, default=None)
    updates = max(run.history.pretraining, default=0)
    draw = annealing(run.config, run.metrics) if run.metrics else None
    return Section(
        name=run.folder.name,
        colour=colours.get(run.folder.path),
        key_facts=run.key_facts(),
        facts=run.summary(),
        newest=run.history.newest,
        when=f"{steps:,} agent steps"
        if steps is not None
        else f"{updates:,} updates of pretraining",
        baseline=run.baseline,
        modes=run.modes,
        pretraining_losses=_losses(run.pretraining_metrics, "updates"),
        losses=_losses(run.metrics, "agent steps"),
        annealing=panel(draw) if draw else None,
        clips=[_clip(video, folder) for video in run.videos],
    )


def _losses(rows: Sequence[Row], counts: str) -> list[Picture]:
    return [
        Picture(CURVES[name], panel(partial(draw_loss, rows=rows, counts=counts, name=name)))
        for name in recorded_losses(rows)
    ]


def _clip(video: Path, folder: Path) -> Clip:
    if video.stat().st_size > LARGEST_VIDEO:
        place = Path(os.path.relpath(video, folder)).as_posix()
        return Clip(video.stem, place, "link", poster(video))
    if video.suffix == ".gif":
        return Clip(video.stem, embedded_file(video), "image", None)
    return Clip(video.stem, embedded_file(video), "video", poster(video))


def _newest(run: Facts) -> Mapping[str, Any]:
    newest = run.history.newest
    assert newest is not None
    return newest


def _baseline(runs: Sequence[Facts]) -> dict[str, Mapping[str, Any]]:
    """Return random actions' results in every task that any of the runs has them for."""
    known: dict[str, Mapping[str, Any]] = {}
    for run in runs:
        known |= run.baseline["tasks"] if run.baseline else {}
    return known


def _number(value: float | None, digits: int = 3) -> str:
    return number(value, digits)
