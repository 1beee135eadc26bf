"""A page about one run, or about several beside each other, in one file that needs no other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newt_core.errors import RunFolderError, os_reason
from newt_core.files import write_text
from newt_core.reporting.facts import Facts, gather
from newt_core.reporting.pictures import annealing, embedded, embedded_file
from newt_core.reporting.score_curves import draw_scores
from newt_core.training.loss_curves import loss_figure, recorded_losses
from newt_core.training.run_folder import RunFolder

TEMPLATE = "page.html.j2"
LARGEST_VIDEO = 3_000_000
"""Bytes of a video that is put into the page; a larger one is linked to."""


@dataclass(frozen=True)
class Clip:
    """A video on the page."""

    name: str
    address: str
    kind: str
    """``video``, ``image`` or ``link``."""


@dataclass(frozen=True)
class Section:
    """All that the page shows of one run."""

    name: str
    facts: Mapping[str, str]
    newest: Mapping[str, Any] | None
    """The newest evaluation."""
    when: str
    """How far the run was then."""
    baseline: Mapping[str, Any] | None
    modes: Mapping[str, Any]
    pretraining_losses: str | None
    losses: str | None
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
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("newt_core.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    evaluated = [run for run in runs if run.history.newest]
    curves = None
    if evaluated:
        histories = [run.history for run in evaluated]
        curves = embedded(draw_scores(histories, _baseline(evaluated)))
    return environment.get_template(TEMPLATE).render(
        title=" · ".join(run.folder.name for run in runs),
        sections=[_section(run, folder) for run in runs],
        tasks=list(dict.fromkeys(task for run in evaluated for task in run.history.tasks)),
        domains=list(dict.fromkeys(d for run in evaluated for d in _newest(run)["domains"])),
        curves=curves,
        has_pretraining=any(run.history.pretraining for run in runs),
        has_baseline=any(run.baseline for run in runs),
    )


def _section(run: Facts, folder: Path) -> Section:
    steps = max(run.history.interaction, default=None)
    updates = max(run.history.pretraining, default=0)
    weight = annealing(run.config, run.metrics) if run.metrics else None
    return Section(
        run.folder.name,
        run.summary(),
        run.history.newest,
        f"{steps:,} agent steps" if steps is not None else f"{updates:,} updates of pretraining",
        run.baseline,
        run.modes,
        _losses(run.pretraining_metrics, "updates"),
        _losses(run.metrics, "agent steps"),
        embedded(weight) if weight else None,
        [_clip(video, folder) for video in run.videos],
    )


def _losses(rows: Sequence[Mapping[str, float | int | None]], counts: str) -> str | None:
    names = recorded_losses([dict(row) for row in rows])
    return embedded(loss_figure([dict(row) for row in rows], counts, names)) if names else None


def _clip(video: Path, folder: Path) -> Clip:
    if video.stat().st_size > LARGEST_VIDEO:
        return Clip(video.stem, Path(os.path.relpath(video, folder)).as_posix(), "link")
    return Clip(video.stem, embedded_file(video), "image" if video.suffix == ".gif" else "video")


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
    return "–" if value is None else f"{value:,.{digits}f}"  # noqa: RUF001 (a dash for nothing)
