"""A comparison as rows: for the terminal, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from newt_core.evaluation.statistics import Estimate
from newt_core.reporting.compare.comparison import Compared, Comparison
from newt_core.reporting.compare.published import TOTAL
from newt_core.reporting.numbers import NO_VALUE

COLUMNS = ("group", "method", "runs", "steps", "mean", "IQM", "median", "optimality gap")
DIFFERENCE = "difference"
"""A further column where all methods are held against one of them, from its mean."""
CSV_COLUMNS = ("group", "tasks", "method", "runs", "what", "value", "low", "high")


def columns(found: Comparison) -> tuple[str, ...]:
    """Return the headings of :func:`group_rows`."""
    return COLUMNS if found.baseline is None else (*COLUMNS, DIFFERENCE)


def group_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Return the rows of :func:`columns`: every method by domain and in total, then the paper."""
    rows = []
    for group, tasks in found.groups.items():
        label = f"{group} ({len(tasks)} task{'s' if len(tasks) > 1 else ''})"
        for one in found.methods:
            values = [written(estimate) for estimate in one.groups[group].values()]
            runs = str(len(one.method.members))
            difference = one.differences.get(group)
            values += [written(difference) if difference is not None else NO_VALUE]
            rows.append((label, one.method.name, runs, _steps(one), *values))
        rows += [
            (label, row.name, NO_VALUE, NO_VALUE, f"{row.score:.3f}", *[NO_VALUE] * 4)
            for row in found.paper
            if row.group == group
        ]
    return [row[: len(columns(found))] for row in rows]


def improvement_lines(found: Comparison) -> list[str]:
    """Return a sentence for each pair of methods."""
    return [
        f"P({one.ours} beats {one.theirs}) = {written(one.probability, 2)}"
        for one in found.improvements
    ]


def written(estimate: Estimate, digits: int = 3) -> str:
    """Write a value and its interval, as in ``0.512 [0.480, 0.550]``."""
    value = f"{estimate.value:.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def markdown(found: Comparison, picture: str) -> str:
    """Return a page of the comparison; ``picture`` is the name of the file with the curves."""
    names = [one.method.name for one in found.methods]
    per_task = [
        (
            task,
            *(written(one.tasks[task]) for one in found.methods),
            *([_tdmpc2(found, task)] if found.tdmpc2 else []),
        )
        for task in found.groups[TOTAL]
    ]
    headings = ["task", *names, *(["TD-MPC2, one agent per task"] if found.tdmpc2 else [])]
    parts = [
        f"# {' · '.join(names)}",
        f"![Scores]({picture})",
        _markdown_table(columns(found), group_rows(found)),
        *[f"- {line}" for line in improvement_lines(found)],
        *[f"- {remark}" for remark in found.remarks],
        "## Task by task",
        _markdown_table(headings, per_task),
    ]
    if found.tdmpc2:
        parts.append(
            "TD-MPC2: published results, as scores after "
            + " / ".join(f"{steps // 1000}k" for steps in next(iter(found.tdmpc2.values())))
            + " agent steps in the one task."
        )
    text = ""
    for before, part in zip(["", *parts], parts, strict=False):
        joined = before.startswith("- ") and part.startswith("- ")
        text += ("\n" if joined else "\n\n" if text else "") + part
    return text + "\n"


def csv_text(found: Comparison) -> str:
    """Return the numbers as CSV, one a row, under :data:`CSV_COLUMNS`."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(_csv_rows(found))
    return file.getvalue()


def _csv_rows(found: Comparison) -> Iterator[tuple[object, ...]]:
    for group, tasks in found.groups.items():
        for one in found.methods:
            start = (group, len(tasks), one.method.name, len(one.method.members))
            for name, estimate in one.groups[group].items():
                yield (*start, name, *_three(estimate))
            if group in one.differences:
                what = f"difference from {found.baseline}"
                yield (*start, what, *_three(one.differences[group]))
        for row in found.paper:
            if row.group == group:
                yield (group, len(tasks), row.name, "", "mean", row.score, "", "")
    for one in found.methods:
        for task, estimate in one.tasks.items():
            yield (task, 1, one.method.name, len(one.method.members), "mean", *_three(estimate))
    for pair in found.improvements:
        what = f"improvement over {pair.theirs}"
        tasks = found.groups[TOTAL]
        yield (TOTAL, len(tasks), pair.ours, "", what, *_three(pair.probability))


def _three(estimate: Estimate) -> tuple[object, ...]:
    values = (estimate.value, estimate.low, estimate.high)
    return tuple("" if value is None else round(value, 6) for value in values)


def _steps(one: Compared) -> str:
    steps = one.steps
    if not steps:
        return NO_VALUE
    low, high = min(steps), max(steps)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _tdmpc2(found: Comparison, task: str) -> str:
    scores = found.tdmpc2.get(task)
    return " / ".join(f"{score:.2f}" for score in scores.values()) if scores else NO_VALUE


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(c.replace('|', '/') for c in line)} |" for line in lines)
