"""A report's figures, as addresses that hold the whole picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from newt_core.training.config import RunConfig
from newt_core.training.metrics import Row
from newt_core.training.schedule import prior_weight

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR = "#2f6db5"
SAMPLES = 500
"""Points at which a schedule is drawn."""
WEIGHT = "planner/prior_weight"
"""The metric that says how close planning stays to the policy."""
PANEL_INCHES = (3.6, 2.7)
"""Width and height of a panel: a phone's width."""
MARGINS = {"left": 0.17, "right": 0.97, "bottom": 0.2, "top": 0.9}
"""Where a panel's axes lie, as shares of its size; the numbers of a logarithmic scale are wide."""
MEDIA = {".mp4": "video/mp4", ".gif": "image/gif"}


def embedded(figure: Figure) -> str:
    """Return a figure as a data address of an SVG, its words as words: small, and sharp."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _address("image/svg+xml", buffer.getvalue())


def embedded_file(path: Path) -> str:
    """Return a video as a data address."""
    return _address(MEDIA[path.suffix], path.read_bytes())


def poster(video: Path) -> str | None:
    """Return a picture out of the middle of a video as a data address; None if it has none."""
    import imageio_ffmpeg
    from PIL import Image

    try:
        frames = imageio_ffmpeg.read_frames(str(video))
        duration = next(frames)["duration"]
        frames.close()
        frames = imageio_ffmpeg.read_frames(str(video), input_params=["-ss", str(duration / 2)])
        size = next(frames)["size"]
        picture = Image.frombytes("RGB", size, next(frames))
        frames.close()
    except Exception:  # noqa: BLE001 (ffmpeg fails in many ways; the page does without)
        return None
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return _address("image/jpeg", buffer.getvalue())


def panel(draw: Callable[[Axes], None]) -> str:
    """Return a picture of one panel, of a size at which its words can be read on a phone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(PANEL_INCHES)
    FigureCanvasAgg(figure)
    figure.subplots_adjust(**MARGINS)  # a layout that adapts would draw each panel twice
    draw(figure.subplots())
    return embedded(figure)


def annealing(config: RunConfig, rows: Sequence[Row]) -> Callable[[Axes], None] | None:
    """Return what draws how close planning stays to the policy: planned (line), recorded (dots).

    Returns:
        A function that draws it; None for a run whose planning was never constrained.
    """
    recorded = [(row["step"], row[WEIGHT]) for row in rows if row.get(WEIGHT) is not None]
    steps = [config.steps * sample / SAMPLES for sample in range(SAMPLES + 1)]
    planned = [prior_weight(config, round(step)) for step in steps]
    if not any(planned) and not any(weight for _, weight in recorded):
        return None

    def draw(axes: Axes) -> None:
        axes.plot(steps, planned, color=COLOUR, linewidth=1.2, label="planned")
        if recorded:
            where, weights = zip(*recorded, strict=True)
            axes.plot(where, weights, "o", color=COLOUR, markersize=3, label="recorded")
        axes.set_xlabel("agent steps", fontsize=9)
        axes.set_ylabel("weight of the policy", fontsize=9)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.tick_params(labelsize=8)
        axes.set_ylim(-0.05, 1.08)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9)

    return draw


def _address(media: str, content: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode('ascii')}"
