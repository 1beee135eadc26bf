"""Pictures of open loop: a task's episode with and without feedback; errors of imagination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from newt_core.evaluation.imagination import Imagination
from newt_core.evaluation.open_loop import Fraction
from newt_core.files import atomic_path
from newt_core.reporting.score_curves import COLOURS, colour_of, style_of
from newt_core.training.loss_curves import logarithmic
from newt_core.types import ByteArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLOSED, OPEN, FORESEEN = COLOURS[0], COLOURS[1], COLOURS[2]
FRAMES = 6
"""Times that are shown, from the start to the horizon."""
FRAME_INCHES = 1.9


@dataclass(frozen=True)
class Shown:
    """What a task's picture shows. N is the horizon, n the number of episodes."""

    task: str
    times: Sequence[int]
    """Of the frames, in steps."""
    frames: Sequence[ByteArray]
    """For each time, the closed loop's and the open loop's, [2, 224, 224, 3]; empty if the task
    cannot be drawn here."""
    closed: FloatArray
    """[n, N] rewards received with feedback; the frames are those of the first episode."""
    open: FloatArray
    """[n, N] rewards received without."""
    predicted: FloatArray
    """[n, N] rewards that the model foresaw when the open-loop plan was made."""
    fractions: Mapping[str, Fraction]


def frame_times(horizon: int) -> list[int]:
    """Return the times of the frames, in steps, ascending."""
    return sorted({round(horizon * k / (FRAMES - 1)) for k in range(FRAMES)})


def draw_task(shown: Shown) -> Figure:
    """Draw frames of both above each other, and below them what was foreseen and received."""
    figure = _figure(FRAME_INCHES * FRAMES, (4.2 if shown.frames else 0.4) + 2.9)
    plots: Any = figure
    if shown.frames:
        upper, plots = cast(Any, figure.subfigures(2, 1, height_ratios=(4.2, 2.9)))
        _draw_frames(upper, shown)
    rewards, returns = plots.subplots(1, 2)
    steps = np.arange(1, shown.open.shape[1] + 1)
    lines = (
        ("closed loop", shown.closed, CLOSED, "-"),
        ("open loop", shown.open, OPEN, "-"),
        ("open loop, as predicted", shown.predicted, FORESEEN, "--"),
    )
    for label, reward, colour, style in lines:
        rewards.plot(steps, reward[0], style, color=colour, linewidth=1.3, label=label)
        total = reward.cumsum(1)
        mean = total.mean(0)
        returns.plot(steps, mean, style, color=colour, linewidth=1.3, label=label)
        if len(total) > 1:
            spread = total.std(0, ddof=1)
            returns.fill_between(
                steps, mean - spread, mean + spread, color=colour, alpha=0.12, linewidth=0
            )
    for part in shown.fractions.values():
        returns.axvline(part.steps, color="#9ca3af", linewidth=0.7, zorder=0)
        if part.ratio is not None:
            returns.annotate(
                f"{part.ratio:.0%}", (part.steps, 1.0), xycoords=("data", "axes fraction"),
                xytext=(-2, -9), textcoords="offset points", ha="right", fontsize=8, color=OPEN,
            )  # fmt: skip
    count = len(shown.open)
    _finish(rewards, "steps", "reward", "reward, first episode")
    _finish(returns, "steps", "return so far", f"return, mean ± std of {count} episodes")
    rewards.legend(frameon=False, fontsize=8)
    figure.suptitle(f"{shown.task} · {shown.open.shape[1]} steps planned at once", fontsize=11)
    return figure


def draw_imagination(tasks: Mapping[str, Imagination]) -> Figure:
    """Draw the errors over the depth: a panel for rewards, values and latents, a line per task."""
    figure = _figure(10.8, 3.4)
    panels = figure.subplots(1, 3)
    titles = {
        "reward": "reward: error over that of the mean",
        "value": "value: error over its magnitude",
        "latent": "latent: error over standing still",
    }
    for panel, (name, title) in zip(panels, titles.items(), strict=True):
        drawn = [1.0]
        for index, (task, errors) in enumerate(tasks.items()):
            shares = [np.nan if x is None else x for x in errors.relative()[name]]
            colour = colour_of(index)
            style = style_of(index)
            steps = np.arange(1, len(shares) + 1)
            panel.plot(steps, shares, style, color=colour, linewidth=1.3, label=task)
            drawn += [share for share in shares if share > 0 and np.isfinite(share)]
        panel.axhline(1.0, color="#9ca3af", linewidth=0.7, zorder=0)
        logarithmic(panel, max(drawn) / min(drawn))
        _finish(panel, "imagined steps", "", title)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG, which appears whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=110)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw_frames(part: Any, shown: Shown) -> None:
    axes = part.subplots(2, len(shown.times), squeeze=False)
    for column, (time, pair) in enumerate(zip(shown.times, shown.frames, strict=True)):
        for row, frame in enumerate(pair):
            cell = axes[row, column]
            cell.imshow(frame)
            cell.set_xticks([])
            cell.set_yticks([])
        axes[0, column].set_title("start" if time == 0 else f"step {time}", fontsize=9)
    for row, (label, colour) in enumerate((("closed loop", CLOSED), ("open loop", OPEN))):
        axes[row, 0].set_ylabel(label, fontsize=9, color=colour)


def _finish(panel: Axes, x: str, y: str, title: str) -> None:
    panel.set_title(title, fontsize=9, loc="left")
    panel.set_xlabel(x, fontsize=8)
    panel.set_ylabel(y, fontsize=8)
    panel.tick_params(labelsize=7)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
