"""Draw the scores of one or several runs: a panel per task, random actions as a dashed line.

    python scripts/plot_runs.py runs/demo --random runs/demo/random.json --out scores.png
    python scripts/plot_runs.py runs/text=with text runs/none=text zeroed --out text.png

A run is a folder that `newt train` made: its periodic evaluations are eval/<step>.json. The
random baseline is what `newt eval random --tasks … --json` printed.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot: no display is needed

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

COLOURS = ("#2f6db5", "#d1495b", "#3f8f5b", "#8a5fbf", "#c98a1b", "#4d4d4d")
"""One per run, in the order given; they repeat after the last."""
PANEL_INCHES = (3.6, 2.7)
MAX_COLUMNS = 4
LABELS = {"score": "score", "return": "return", "success": "success rate"}


@dataclass(frozen=True)
class Run:
    """One run's evaluations."""

    label: str
    evaluations: Mapping[int, Mapping[str, Mapping[str, Any]]]
    """Agent steps → task → its results, in the order of the steps."""

    def curve(self, task: str, value: str) -> list[tuple[int, float, float]]:
        """Return (steps, mean, half-width of the 95 % interval) wherever the task was evaluated."""
        points = []
        for steps, tasks in self.evaluations.items():
            result = tasks.get(task, {})
            if result.get(value) is not None:
                # The interval is the score's: it says nothing of the other values.
                half = result.get("ci95") if value == "score" else None
                points.append((steps, float(result[value]), float(half or 0.0)))
        return points


def read_run(argument: str) -> Run:
    """Read ``FOLDER`` or ``FOLDER=label``."""
    name, _, label = argument.partition("=")
    folder = Path(name)
    files = sorted((folder / "eval").glob("*.json"), key=lambda file: int(file.stem))
    if not files:
        raise SystemExit(f"error: {folder} holds no eval/<step>.json; is it a run of newt train?")
    evaluations = {
        int(file.stem): json.loads(file.read_text(encoding="utf-8"))["tasks"] for file in files
    }
    return Run(label or folder.name, evaluations)


def draw(
    runs: Sequence[Run],
    baseline: Mapping[str, Mapping[str, Any]],
    value: str,
    title: str | None,
) -> plt.Figure:
    """Return the figure: a panel for each task that any run was evaluated on."""
    tasks = list(dict.fromkeys(t for run in runs for e in run.evaluations.values() for t in e))
    rows = math.ceil(len(tasks) / MAX_COLUMNS)
    columns = math.ceil(len(tasks) / rows)  # as even as can be: five tasks in 3 + 2
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(PANEL_INCHES[0] * columns, PANEL_INCHES[1] * rows + 0.6),
        squeeze=False,
        layout="constrained",
    )
    for panel, task in zip(axes.flat, tasks, strict=False):
        draw_task(panel, task, runs, baseline.get(task, {}).get(value), value)
    for panel in axes.flat[len(tasks) :]:
        panel.set_visible(False)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    if title:
        figure.suptitle(title, fontweight="bold")
    return figure


def draw_task(
    panel: Axes, task: str, runs: Sequence[Run], baseline: float | None, value: str
) -> None:
    """Draw one task's panel."""
    for index, run in enumerate(runs):
        points = run.curve(task, value)
        if not points:
            continue
        steps, means, halves = zip(*points, strict=True)
        colour = COLOURS[index % len(COLOURS)]
        panel.plot(steps, means, color=colour, marker="o", markersize=3.5, label=run.label)
        low = [mean - half for mean, half in zip(means, halves, strict=True)]
        high = [mean + half for mean, half in zip(means, halves, strict=True)]
        panel.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
    if baseline is not None:
        panel.axhline(baseline, color="#888888", linestyle="--", label="random actions")
    panel.set_title(task, fontsize=10)
    panel.set_xlabel("agent steps", fontsize=8)
    panel.set_ylabel(LABELS[value], fontsize=8)
    panel.tick_params(labelsize=8)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda steps, _: short(steps)))
    panel.set_xlim(left=0)
    top = 1.0 if value != "return" else max(panel.get_ylim()[1], 0)
    panel.set_ylim(min(0.0, panel.get_ylim()[0]), max(top * 1.03, panel.get_ylim()[1]))
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)


def short(steps: float) -> str:
    """Write 25000 as 25k and 1500000 as 1.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(steps) >= size:
            return f"{steps / size:g}{letter}"
    return f"{steps:g}"


def main() -> None:
    """Parse the command line, draw, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="FOLDER[=LABEL]", help="run folders")
    parser.add_argument("--random", type=Path, metavar="FILE", help="JSON of newt eval random")
    parser.add_argument("--value", choices=LABELS, default="score", help="what to draw")
    parser.add_argument("--title", help="a heading above the panels")
    parser.add_argument("--out", type=Path, default=Path("scores.png"), help="the PNG to write")
    arguments = parser.parse_args()

    baseline = {}
    if arguments.random is not None:
        baseline = json.loads(arguments.random.read_text(encoding="utf-8"))["tasks"]
    runs = [read_run(argument) for argument in arguments.runs]
    figure = draw(runs, baseline, arguments.value, arguments.title)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.out, dpi=150)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
