"""A comparison as a picture: aggregates, profile, curves over steps and hours, who beats whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from newt_core.evaluation.statistics import AGGREGATES
from newt_core.reporting.compare.comparison import THRESHOLDS, Comparison
from newt_core.reporting.compare.curves import Axis
from newt_core.reporting.compare.published import TOTAL
from newt_core.reporting.score_curves import COLOURS, colour_of, short, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "mean": "mean",
    "iqm": "interquartile mean",
    "median": "median",
    "optimality_gap": "optimality gap (less is better)",
}
MARKERS = "osD^vP"
MOST_NAMED = 5
"""Methods that a panel's legend has room for."""
PANEL = (3.7, 3.0)
"""Inches."""


def draw_comparison(found: Comparison) -> Figure:
    """Return the figure. Panels for which there is nothing to draw are left out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels: list[Callable[[Axes, Comparison], None]] = [_draw_profile]
    if any("steps" in one.curves for one in found.methods):
        panels.append(lambda axes, found: _draw_curves(axes, found, "steps", "agent steps"))
    if any("hours" in one.curves for one in found.methods):
        panels.append(lambda axes, found: _draw_curves(axes, found, "hours", "hours of training"))
    if found.improvements:
        panels.append(_draw_improvements)
    width = max(3, len(panels))
    top = 0.7 + 0.28 * len(found.methods)
    bottom = max(PANEL[1], 0.7 + 0.28 * len(found.improvements))
    figure = Figure((PANEL[0] * width, top + bottom + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(top, bottom))
    upper, lower = parts[:, 0]
    for axes, name in zip(upper.subplots(1, len(AGGREGATES)), AGGREGATES, strict=True):
        _draw_aggregate(axes, found, name)
    for axes, draw in zip(lower.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        draw(axes, found)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    tasks = len(found.groups[TOTAL])
    upper.suptitle(
        f"{tasks} task{'s' if tasks > 1 else ''}; bars and bands: 95 %, "
        f"{'runs and tasks' if found.bootstrap.resampled == 'both' else found.bootstrap.resampled}"
        " drawn anew",
        fontsize=9,
    )
    return figure


def _marker(index: int) -> str:
    """Return a marker that changes when the colours begin anew."""
    return MARKERS[(index + index // len(COLOURS)) % len(MARKERS)]


def _draw_aggregate(axes: Axes, found: Comparison, name: str) -> None:
    for index, one in enumerate(found.methods):
        estimate = one.groups[TOTAL][name]
        if estimate.low is not None and estimate.high is not None:
            axes.plot(
                [estimate.low, estimate.high], [index, index], color=colour_of(index),
                linewidth=7, alpha=0.35, solid_capstyle="butt",
            )  # fmt: skip
        axes.plot(estimate.value, index, _marker(index), color=colour_of(index), markersize=5)
    first = name == next(iter(AGGREGATES))
    names = [one.method.name if first else "" for one in found.methods]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.1)
    axes.set_title(TITLES[name], fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _legend(axes: Axes, found: Comparison) -> None:
    """Name the curves, unless they are too many: the upper panels name the colours, too."""
    if len(found.methods) <= MOST_NAMED:
        axes.legend(edgecolor="none", framealpha=0.7, fontsize=8)


def _band(found: Comparison) -> float:
    """Return how opaque the band of a curve is: the more there are, the less."""
    return min(0.15, 0.4 / len(found.methods))


def _draw_profile(axes: Axes, found: Comparison) -> None:
    for index, one in enumerate(found.methods):
        shares = [share.value for share in one.profile]
        axes.step(
            THRESHOLDS, shares, where="post", color=colour_of(index), linestyle=style_of(index),
            label=one.method.name,
        )  # fmt: skip
        if one.profile[0].low is not None:
            low = [share.low or 0.0 for share in one.profile]
            high = [share.high or 0.0 for share in one.profile]
            axes.fill_between(
                THRESHOLDS, low, high, step="post", color=colour_of(index), alpha=_band(found),
                linewidth=0,
            )  # fmt: skip
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("score", fontsize=8)
    axes.set_title("share of runs and tasks above a score", fontsize=9)
    _legend(axes, found)


def _draw_curves(axes: Axes, found: Comparison, axis: Axis, label: str) -> None:
    for index, one in enumerate(found.methods):
        line = one.curves.get(axis)
        if line is None:
            continue
        values = [score.value for score in line.scores]
        axes.plot(
            line.where, values, color=colour_of(index), linestyle=style_of(index),
            marker=_marker(index), markersize=3, label=one.method.name,
        )  # fmt: skip
        if line.scores[0].low is not None:
            low = [score.low or 0.0 for score in line.scores]
            high = [score.high or 0.0 for score in line.scores]
            axes.fill_between(
                line.where, low, high, color=colour_of(index), alpha=_band(found), linewidth=0
            )
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel(label, fontsize=8)
    axes.set_title(f"mean score over {axis}", fontsize=9)
    if axis == "steps":
        axes.xaxis.set_major_formatter(lambda value, _: short(value))
    _legend(axes, found)


def _draw_improvements(axes: Axes, found: Comparison) -> None:
    for index, pair in enumerate(found.improvements):
        estimate = pair.probability
        if estimate.low is not None and estimate.high is not None:
            axes.plot(
                [estimate.low, estimate.high], [index, index], color="#6b7280", linewidth=7,
                alpha=0.35, solid_capstyle="butt",
            )  # fmt: skip
        axes.plot(estimate.value, index, "o", color="#374151", markersize=5)
    pairs = [f"{pair.ours}\nover {pair.theirs}" for pair in found.improvements]
    axes.axvline(0.5, color="#888888", linestyle="--", linewidth=1)
    axes.set_yticks(range(len(pairs)), pairs, fontsize=7)
    axes.set_ylim(len(pairs) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_title("probability of improvement", fontsize=9)
