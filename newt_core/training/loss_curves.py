"""A picture of a run's losses (Newt, figure 26)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from newt_core.errors import RunFolderError
from newt_core.files import atomic_path
from newt_core.training.metrics import Row, read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES: Mapping[str, str] = {
    "loss/consistency": "model",
    "loss/reward": "reward",
    "loss/value": "value",
    "loss/cloning": "behaviour cloning",
}
"""Metric → title of its panel."""
PANEL_INCHES = (3.2, 2.6)
COLOUR = "#2f6db5"
MARKED = 12
"""Points, up to which each has a mark."""


def plot_losses(metrics_file: Path, path: Path) -> None:
    """Draw each loss over the updates, on a logarithmic scale.

    Raises:
        RunFolderError: the picture cannot be written.
    """
    rows = read_metrics(metrics_file)
    figure = loss_figure(rows, "updates", recorded_losses(rows) or tuple(CURVES))
    try:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=110)
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror or error}.") from error


def recorded_losses(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return which of :data:`CURVES` have any value."""
    return tuple(name for name in CURVES if any(row.get(name) is not None for row in rows))


def loss_figure(rows: Sequence[Row], counts: str, names: Sequence[str]) -> Figure:
    """Draw a panel for each loss, side by side.

    Args:
        rows: a run's metrics.
        counts: what their steps count: ``updates`` or ``agent steps``.
        names: some of :data:`CURVES`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((len(names) * PANEL_INCHES[0], PANEL_INCHES[1]), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        draw_loss(axes, rows, counts, name)
    return figure


def draw_loss(axes: Axes, rows: Sequence[Row], counts: str, name: str) -> None:
    """Draw one loss, on a logarithmic scale if all of its values are above 0.

    Few points are marked: a line through one of them, or between two gaps, could not be seen.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
    if points:
        steps, losses = zip(*points, strict=True)
        marker = "o" if len(points) <= MARKED else None
        axes.plot(steps, losses, color=COLOUR, linewidth=1.2, marker=marker, markersize=4)
        if all(loss > 0 for loss in losses):
            logarithmic(axes, max(losses) / min(losses))
    axes.set_title(CURVES[name], fontsize=10, loc="left")
    axes.set_xlabel(counts, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.tick_params(labelsize=8, which="both")
    axes.spines[["top", "right"]].set_visible(False)


def logarithmic(axes: Axes, times: float) -> None:
    """Scale an axis so, with plain numbers, as many as there is room for.

    Args:
        axes: What is scaled.
        times: The largest value as a multiple of the smallest.
    """
    from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter

    axes.set_yscale("log")
    marks: Locator = LogLocator(numticks=7)
    if times < 5:
        marks = MaxNLocator(5)
    elif times < 500:
        marks = LogLocator(subs=(1, 2, 5), numticks=20)
    axes.yaxis.set_major_locator(marks)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
