"""A picture of demonstrations: what each episode returned, and how long it was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from newt_core.demos.folder import FileSummary
from newt_core.errors import DemoError, os_reason
from newt_core.files import atomic_path

PICTURES = (".png", ".jpg", ".pdf", ".svg")
"""Endings of files that can be drawn."""

MAX_COLUMNS = 4
PANEL_INCHES = (3.4, 2.5)
DOT, LINE, INK = "#2f6db5", "#d1495b", "#4d4d4d"
"""Colours of an episode, of the mean, and of texts."""


def plot_demos(summaries: Sequence[FileSummary], path: Path) -> None:
    """Draw a panel per task: returns over episodes, the mean, and below them the lengths.

    Args:
        summaries: at least one.
        path: the picture to write, with an ending of :data:`PICTURES`.

    Raises:
        DemoError: the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(MAX_COLUMNS, len(summaries))
    rows = math.ceil(len(summaries) / columns)
    # Figures of one's own, not pyplot's: no state that outlives this function.
    figure = Figure((columns * PANEL_INCHES[0], rows * PANEL_INCHES[1]), layout="constrained")
    FigureCanvasAgg(figure)
    cells = figure.subfigures(rows, columns, squeeze=False).ravel()
    for cell, summary in zip(cells, summaries, strict=False):
        _draw(cell, summary)
    try:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=110)
    except OSError as error:
        raise DemoError(f"cannot write {path}: {os_reason(error)}.") from error


def _draw(cell: Any, summary: FileSummary) -> None:
    returns = np.array([info.episode_return for info in summary.episodes])
    lengths = np.array([info.total_steps for info in summary.episodes])
    numbers = np.arange(len(returns))
    upper, lower = cell.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.set_title(summary.header.task, fontsize=9, loc="left")
    upper.plot(numbers, returns, "o", color=DOT, markersize=3.5, alpha=0.8)
    if len(returns):
        mean = float(returns.mean())
        upper.axhline(mean, color=LINE, linewidth=1, linestyle="--")
        upper.set_title(f"mean {mean:,.4g}", fontsize=8, loc="right", color=LINE)
        # From 0 on: what differs by little should look like it.
        upper.axhline(0.0, color=INK, linewidth=0.5)
    lower.bar(numbers, lengths, width=0.8, color=INK, alpha=0.6)
    upper.set_ylabel("return", fontsize=8)
    lower.set_ylabel("steps", fontsize=8)
    lower.set_xlabel("episode", fontsize=8)
    lower.set_ylim(bottom=0)
    # Episodes are counted: no ticks between whole numbers.
    lower.xaxis.get_major_locator().set_params(integer=True)
    for axes in (upper, lower):
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
