"""A report's figures, as addresses that hold the whole picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from newt_core.training.config import RunConfig
from newt_core.training.metrics import Row
from newt_core.training.schedule import prior_weight

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOUR = "#2f6db5"
SAMPLES = 500
"""Points at which a schedule is drawn."""
WEIGHT = "planner/prior_weight"
"""The metric that says how close planning stays to the policy."""
MEDIA = {".mp4": "video/mp4", ".gif": "image/gif"}


def embedded(figure: Figure) -> str:
    """Return a figure as a data address of an SVG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _address("image/svg+xml", buffer.getvalue())


def embedded_file(path: Path) -> str:
    """Return a video as a data address."""
    return _address(MEDIA[path.suffix], path.read_bytes())


def annealing(config: RunConfig, rows: Sequence[Row]) -> Figure | None:
    """Draw how close planning stays to the policy, as planned (line) and as recorded (dots).

    Returns:
        The figure; None for a run whose planning was never constrained.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    recorded = [(row["step"], row[WEIGHT]) for row in rows if row.get(WEIGHT) is not None]
    steps = [config.steps * sample / SAMPLES for sample in range(SAMPLES + 1)]
    planned = [prior_weight(config, round(step)) for step in steps]
    if not any(planned) and not any(weight for _, weight in recorded):
        return None
    figure = Figure((6.4, 2.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(steps, planned, color=COLOUR, linewidth=1.2, label="planned")
    if recorded:
        where, weights = zip(*recorded, strict=True)
        axes.plot(where, weights, "o", color=COLOUR, markersize=3, label="recorded")
    axes.set_xlabel("agent steps", fontsize=8)
    axes.set_ylabel("weight of the policy", fontsize=8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.tick_params(labelsize=7)
    axes.set_ylim(-0.05, 1.08)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _address(media: str, content: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode('ascii')}"
