"""Scores of one or several runs: a panel per task, random actions as a dashed line.

A run that learned from demonstrations first has a shaded stretch left of step 0, over updates;
the interaction goes on to the right, over agent steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newt_core.reporting.history import History, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#2f6db5", "#d1495b", "#3f8f5b", "#8a5fbf", "#c98a1b", "#4d4d4d", "#1f9aa8", "#c45a9e")
"""One per run, in the order given; they repeat after the last."""
STYLES = ("-", "--", ":")
PANEL_INCHES = (3.6, 2.7)
MAX_COLUMNS = 4
LABELS = {"score": "score", "return": "return", "success": "success rate"}
STRETCH = 0.35
"""Width of the pretraining, as a share of the interaction's."""
SHADE, QUIET = "#eceff3", "#6b7280"
"""Behind the pretraining; of what is not the matter itself."""


def colour_of(index: int) -> str:
    """Return a run's colour."""
    return COLOURS[index % len(COLOURS)]


def style_of(index: int) -> str:
    """Return the style of a run's line, another one when the colours begin anew."""
    return STYLES[index // len(COLOURS) % len(STYLES)]


@dataclass(frozen=True)
class Scale:
    """Where things are on the axis: steps to the right of 0, updates to the left."""

    steps: float
    """The last agent step of any run."""
    updates: float
    """The last update of any run's pretraining; 0 if no run has one."""

    @property
    def left(self) -> float:
        """Where the pretraining begins."""
        return -STRETCH * (self.steps or 1.0) if self.updates else 0.0

    @property
    def right(self) -> float:
        """Where the interaction ends; a pretraining alone has a margin there."""
        return self.steps or (0.04 * -self.left if self.updates else 1.0)

    def of_updates(self, updates: float) -> float:
        """Return the place of a number of updates; the last is at 0, where interaction begins."""
        return self.left * (1.0 - updates / self.updates)


def all_tasks(runs: Sequence[History]) -> list[str]:
    """Return each task that any run was evaluated on, once."""
    return list(dict.fromkeys(task for run in runs for task in run.tasks))


def common_scale(runs: Sequence[History]) -> Scale:
    """Return the axis that holds all runs."""
    return Scale(
        max((step for run in runs for step in run.interaction), default=0),
        max((updates for run in runs for updates in run.pretraining), default=0),
    )


def draw_scores(
    runs: Sequence[History],
    baseline: Mapping[str, Mapping[str, Any]],
    value: str = "score",
    title: str | None = None,
) -> Figure:
    """Return the figure: a panel for each task that any run was evaluated on.

    Args:
        runs: at least one with an evaluation.
        baseline: task → what random actions reach.
        value: one of :data:`LABELS`.
        title: a heading above the panels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tasks, scale = all_tasks(runs), common_scale(runs)
    rows = math.ceil(len(tasks) / MAX_COLUMNS)
    columns = math.ceil(len(tasks) / rows)  # as even as can be: five tasks in 3 + 2
    width, height = PANEL_INCHES
    figure = Figure((width * columns, height * rows + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel, task in zip(axes.flat, tasks, strict=False):
        draw_task(panel, task, runs, baseline.get(task, {}).get(value), value, scale)
    for panel in axes.flat[len(tasks) :]:
        panel.set_visible(False)
    known: dict[str, Any] = {}
    for panel in axes.flat[: len(tasks)]:
        handles, labels = panel.get_legend_handles_labels()
        known = dict(zip(labels, handles, strict=True)) | known
    figure.legend(
        list(known.values()), list(known), loc="outside lower center", ncols=4, frameon=False
    )
    if title:
        figure.suptitle(title, fontweight="bold")
    return figure


def draw_task(
    panel: Axes,
    task: str,
    runs: Sequence[History],
    baseline: float | None,
    value: str,
    scale: Scale,
) -> None:
    """Draw one task's panel."""
    alone = sum(bool(run.pretraining) for run in runs) == 1
    for index, run in enumerate(runs):
        colour = colour_of(index)
        before = run.pretraining_curve(task, value)
        if before and scale.updates:
            moved = [(scale.of_updates(updates), mean, half) for updates, mean, half in before]
            label = "policy, in pretraining" if alone else f"{run.label}, pretraining"
            _draw_curve(panel, moved, colour, label, marker="s", filled=False)
        _draw_curve(panel, run.curve(task, value), colour, run.label, marker="o", filled=True)
    if baseline is not None:
        panel.axhline(baseline, color="#888888", linestyle="--", label="random actions")
    panel.set_title(task, fontsize=10)
    panel.set_ylabel(LABELS[value], fontsize=8)
    panel.tick_params(labelsize=8)
    top = 1.0 if value != "return" else max(panel.get_ylim()[1], 0)
    # Above the best there is room for a word, where there is one.
    room = 1.12 if scale.updates else 1.03
    panel.set_ylim(min(0.0, panel.get_ylim()[0]), max(top * room, panel.get_ylim()[1]))
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    _mark_axis(panel, scale)


def _draw_curve(
    panel: Axes,
    points: Sequence[Point] | Sequence[tuple[float, float, float]],
    colour: str,
    label: str,
    *,
    marker: str,
    filled: bool,
) -> None:
    if not points:
        return
    where, means, halves = zip(*points, strict=True)
    panel.plot(
        where,
        means,
        color=colour,
        linestyle="-" if filled else ":",
        marker=marker,
        markersize=3.5,
        markerfacecolor=colour if filled else "white",
        label=label,
        clip_on=False,  # a point on the panel's edge is a whole one
    )
    # Only scores have an interval. They lie in [0, 1]; that of two episodes may reach far beyond.
    low = [
        max(mean - half, 0.0) if half else mean for mean, half in zip(means, halves, strict=True)
    ]
    high = [
        min(mean + half, 1.0) if half else mean for mean, half in zip(means, halves, strict=True)
    ]
    if len(points) == 1:
        panel.vlines(where, low, high, color=colour, alpha=0.3, linewidth=4)
    panel.fill_between(where, low, high, color=colour, alpha=0.15, linewidth=0)


def _mark_axis(panel: Axes, scale: Scale) -> None:
    """Write steps right of 0, and updates left of it over a shade."""
    from matplotlib.ticker import MaxNLocator

    edge = 0.03 * (scale.right - scale.left)
    panel.set_xlim(scale.left - edge if scale.updates else 0.0, scale.right + edge)
    bins = 4 if scale.updates else 6
    steps: Sequence[float] = () if scale.updates else (0.0,)
    if scale.steps:
        steps = list(MaxNLocator(bins).tick_values(0, scale.steps))
    ticks = {float(step): short(step) for step in steps if 0 <= step <= scale.right + edge}
    words = panel.get_xaxis_transform()
    if scale.updates:
        panel.axvspan(scale.left - edge, 0.0, color=SHADE, linewidth=0, zorder=0)
        panel.axvline(0.0, color=QUIET, linewidth=0.8, zorder=1)
        # At 0 two counts meet: the interaction's stands there, if there is one.
        halves = (0.0, scale.updates / 2) if scale.steps else (0.0, scale.updates)
        ticks = {scale.of_updates(count): short(count) for count in halves} | ticks
        panel.text(scale.left / 2, -0.2, "updates", transform=words, ha="center", size=8)
        panel.text(
            scale.left / 2, 0.965, "pretraining", transform=words, ha="center", va="top", size=7,
            color=QUIET,
        )  # fmt: skip
        if scale.steps:
            panel.text(scale.right / 2, -0.2, "agent steps", transform=words, ha="center", size=8)
    else:
        panel.set_xlabel("agent steps", fontsize=8)
    panel.set_xticks(list(ticks), list(ticks.values()))


def short(steps: float) -> str:
    """Write 25000 as 25k and 1500000 as 1.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(steps) >= size:
            return f"{steps / size:g}{letter}"
    return f"{steps:g}"
