"""A picture of a pretraining's losses (Newt, figure 26)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from newt_core.errors import RunFolderError
from newt_core.files import atomic_path
from newt_core.training.metrics import read_metrics

CURVES: Mapping[str, str] = {
    "loss/consistency": "model",
    "loss/reward": "reward",
    "loss/value": "value",
    "loss/cloning": "behaviour cloning",
}
"""Metric → title of its panel."""
PANEL_INCHES = (3.2, 2.6)
COLOUR = "#2f6db5"


def plot_losses(metrics_file: Path, path: Path) -> None:
    """Draw each loss over the updates, on a logarithmic scale.

    Raises:
        RunFolderError: the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    rows = read_metrics(metrics_file)
    figure = Figure((len(CURVES) * PANEL_INCHES[0], PANEL_INCHES[1]), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(CURVES), squeeze=False)[0]
    for axes, (name, title) in zip(panels, CURVES.items(), strict=True):
        points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
        if points:
            updates, losses = zip(*points, strict=True)
            axes.plot(updates, losses, color=COLOUR, linewidth=1.2)
            axes.set_yscale("log")
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xlabel("updates", fontsize=8)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.tick_params(labelsize=7, which="both")
        axes.spines[["top", "right"]].set_visible(False)
    try:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=110)
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror or error}.") from error
