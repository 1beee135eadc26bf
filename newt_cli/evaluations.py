"""What ``newt eval`` takes and shows beyond single numbers: tables, files, how long it takes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from newt_cli import console
from newt_cli.counts import remaining_time
from newt_cli.numbers import whole_number
from newt_core.settings import limits

if TYPE_CHECKING:
    from newt_core.evaluation import GroupSummary, Summary, TaskSummary

MOST_SEEDS = 1_000
"""Of one evaluation: each has episodes of its own."""
CALLS_MEASURED = 3
"""Steps of all environments that a forecast is made from, after the first."""
SECONDS_MEASURED = 1.0
"""How long they take at least."""
WORTH_SAYING = 20.0
"""Seconds from which on an evaluation's length is said."""


class EvaluationForecast:
    """Says after the first steps what all of them will take, and hands the counts on.

    The first step is left out: where a model is compiled or a cache is filled, that is in it.

    Args:
        show: Is told of every step.
        say: Is told the forecast, in one line.
        clock: In seconds.
    """

    def __init__(
        self,
        show: Callable[[int, int], None],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._show, self._say, self._clock = show, say, clock
        self._calls = 0
        self._first = 0
        self._began = 0.0
        self._said = False

    def __call__(self, done: int, total: int) -> None:
        """Take note of how many steps are done, and of how many there are."""
        now = self._clock()
        if not self._calls:
            self._first, self._began = done, now
        seconds = now - self._began
        if not self._said and self._calls >= CALLS_MEASURED and seconds >= SECONDS_MEASURED:
            self._said = True
            rate = (done - self._first) / seconds
            if rate > 0 and total / rate >= WORTH_SAYING:
                lasts = remaining_time(0, total, rate)
                self._say(f"{total:,} steps at {rate:,.0f} a second: {lasts} in all, about")
        self._calls += 1
        self._show(done, total)


def seed_list(text: str | None, first: int) -> tuple[int, ...]:
    """Return the seeds that ``--seeds`` means: how many from ``first`` on, or a list of them.

    Raises:
        BadParameter: It is neither.
    """
    if text is None:
        return (first,)
    parts = [part.strip() for part in text.split(",")]
    numbers = [whole_number(part) for part in parts]
    if len(numbers) == 1:
        if not 1 <= numbers[0] <= MOST_SEEDS:
            raise typer.BadParameter(
                f"--seeds {text}: name 1 to {MOST_SEEDS:,} seeds, or list some, such as 0,3,7"
            )
        return tuple(range(first, first + numbers[0]))
    if first:
        raise typer.BadParameter("--seeds lists them all: leave --seed out")
    if len(set(numbers)) < len(numbers) or not all(0 <= n <= limits.SEED for n in numbers):
        raise typer.BadParameter(f"--seeds {text}: list each once, from 0 to {limits.SEED:,}")
    return tuple(numbers)


def replacement(text: str) -> tuple[str, str]:
    """Return the two sides of ``screwdriver=cube``.

    Raises:
        BadParameter: One of them is missing.
    """
    old, _, new = (part.strip() for part in text.partition("="))
    if not old or not new:
        raise typer.BadParameter(
            f"--replace '{text}': write the word and what to say instead, such as screwdriver=cube"
        )
    return old, new


def require_json_place(path: Path) -> None:
    """See that results can be written to a file, before they take hours to get.

    Raises:
        BadParameter: They cannot.
    """
    if path.suffix.lower() != ".json":
        raise typer.BadParameter(f"--out {path}: name a file that ends in .json")
    if path.is_dir():
        raise typer.BadParameter(f"--out {path} is a folder: name a file")
    _require_writable(path, path.absolute().parent)


def require_folder_place(path: Path) -> None:
    """See that files can be written into a folder, which may have to be made.

    Raises:
        BadParameter: They cannot.
    """
    _require_writable(path, path.absolute())


def _require_writable(path: Path, folder: Path) -> None:
    above = next(each for each in (folder, *folder.parents) if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise typer.BadParameter(f"--out {path} cannot be written: {above} is no folder of yours")


def write_tables(summary: Summary) -> None:
    """Print a row per task, then one per domain, then the total."""
    numbers = ("episodes", "return", "success", "score", "± 95 %")
    rows = [
        (
            task,
            str(result.episodes),
            console.number(result.mean_return),
            console.number(result.success, 2),
            console.number(result.score, 3),
            console.number(result.ci95, 3),
        )
        for task, result in summary.tasks.items()
    ]
    rows.append(("", "", "", "", "", ""))
    rows += [_group_row(domain, group) for domain, group in summary.domains.items()]
    rows.append(_group_row("total", summary.total))
    console.write_table(
        ("task", *numbers), rows, right=numbers, gives_way=("episodes", "return", "success")
    )
    if summary.seeds:
        each = ", ".join(f"{seed}: {score:.3f}" for seed, score in summary.seeds.items())
        console.notice(f"seeds: {each}")
    console.notice(f"mode: {summary.mode}")


def write_comparison(summaries: Mapping[str, Summary]) -> None:
    """Print the scores of several side by side: a row per task, per domain, and in total."""
    tasks = dict.fromkeys(task for summary in summaries.values() for task in summary.tasks)
    domains = dict.fromkeys(name for summary in summaries.values() for name in summary.domains)
    unlike = len({frozenset(summary.tasks) for summary in summaries.values()}) > 1
    rows = [(task, *(_cell(s.tasks.get(task)) for s in summaries.values())) for task in tasks]
    rows.append(("", *("" for _ in summaries)))
    rows += [(name, *(_cell(s.domains.get(name)) for s in summaries.values())) for name in domains]
    rows.append(("total", *(_cell(s.total) for s in summaries.values())))
    rows.append(("tasks", *(str(s.total.tasks) for s in summaries.values())))
    rows.append(("mode", *(s.mode for s in summaries.values())))
    names = list(summaries)
    console.write_table(("score", *names), rows, right=names, folds=names, gives_way=names[:0:-1])
    if unlike:
        console.notice(
            "not all were evaluated on the same tasks: their totals are of different ones, and say "
            "nothing of who is better; --tasks names tasks for all"
        )


def _cell(result: TaskSummary | GroupSummary | None) -> str:
    if result is None:
        return console.NO_VALUE
    interval = "" if result.ci95 is None else f" ± {result.ci95:.3f}"
    return f"{result.score:.3f}{interval}"


def _group_row(name: str, group: GroupSummary) -> tuple[str, str, str, str, str, str]:
    label = f"{name} ({group.tasks} task{'s' if group.tasks > 1 else ''})"
    return (label, "", "", "", console.number(group.score, 3), console.number(group.ci95, 3))
