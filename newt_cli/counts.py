"""How far work is that can be counted: bars on a terminal, a plain line every half minute else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from newt_cli.console import notice

SECONDS_BETWEEN_LINES = 30.0
"""How often work without a terminal says where it is."""


def counted(number: int, thing: str) -> str:
    """Write 1 task and 2,000 tasks."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def rate(per_s: float) -> str:
    """Return how many a second, with a digit where there are few."""
    return f"{per_s:,.{0 if per_s >= 10 else 1}f}"


def remaining_time(steps: int, total: int, steps_per_s: float) -> str:
    """Return the time that the remaining steps will take, as 0:12:34."""
    return clock_time(max(total - steps, 0) / steps_per_s) if steps_per_s > 0 else "?"


def clock_time(seconds: float) -> str:
    """Return a time as 0:12:34."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


@contextmanager
def count_display(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how many of ``what`` are done; the block gets the function to tell it.

    On a terminal that is a bar with rate and time left, else a line every half minute.
    """
    if not sys.stderr.isatty():
        yield _counting_lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(what, total=None)
        start = time.monotonic()

        def show(done: int, total: int) -> None:
            counted = _counted(what, done, total, time.monotonic() - start)
            bar.update(task, completed=done, total=total, description=counted)

        yield show


def _counting_lines(
    what: str, clock: Callable[[], float] = time.monotonic
) -> Callable[[int, int], None]:
    """Return a function that prints a line every :data:`SECONDS_BETWEEN_LINES`."""
    start = clock()
    next_line = start + SECONDS_BETWEEN_LINES

    def show(done: int, total: int) -> None:
        nonlocal next_line
        now = clock()
        if now >= next_line:
            next_line = now + SECONDS_BETWEEN_LINES
            notice(_counted(what, done, total, now - start))

    return show


def _counted(what: str, done: int, total: int, seconds: float) -> str:
    """Return how many are done after ``seconds``, how fast, and how long the others will take.

    What cannot be known before the first is done is left out.
    """
    if not done or seconds <= 0:
        return f"{done:,}/{total:,} {what}"
    per_s = done / seconds
    left = remaining_time(done, total, per_s)
    speed = f"{rate(per_s)} a second" if per_s >= 2 else f"{60 * per_s:,.1f} a minute"
    return f"{done:,}/{total:,} {what}, {speed}, {left} left"


@contextmanager
def download_display(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show on stderr how many bytes have come; the block gets the function to tell it.

    On a terminal that is a bar with rate and time left, else a line every half minute.
    """
    if not sys.stderr.isatty():
        yield _megabyte_lines(title)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _megabyte_lines(
    title: str, clock: Callable[[], float] = time.monotonic
) -> Callable[[int, int | None], None]:
    """Return a function that prints a line every :data:`SECONDS_BETWEEN_LINES`."""
    start = clock()
    next_line = start + SECONDS_BETWEEN_LINES

    def tell(done: int, total: int | None) -> None:
        nonlocal next_line
        now = clock()
        if now < next_line:
            return
        next_line = now + SECONDS_BETWEEN_LINES
        per_s = done / (now - start)
        whole = "" if total is None else f" of {total / 1e6:,.0f}"
        left = "" if total is None else f" · {remaining_time(done, total, per_s)} left"
        notice(f"{title}: {done / 1e6:,.0f}{whole} MB · {per_s / 1e6:,.1f} MB/s{left}")

    return tell


@contextmanager
def task_display(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show on stderr how far the work on one task after the other is.

    The block gets the function to tell it: the task, how many are done, of how many.
    """
    if not sys.stderr.isatty():
        yield _TaskLines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counted]}"),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bars:
        begun = {}
        told = time.monotonic()

        def show(task: str, done: int, total: int) -> None:
            nonlocal told
            if task not in begun:
                begun[task] = (bars.add_task(task, total=total, counted=""), told)
            number, start = begun[task]
            told = time.monotonic()
            counted = _counted(what, done, total, told - start)
            bars.update(number, completed=done, total=total, counted=counted)

        yield show


class _TaskLines:
    """One line every :data:`SECONDS_BETWEEN_LINES`: where it is, how fast, and how long yet."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._clock = clock
        self._next_line = clock() + SECONDS_BETWEEN_LINES
        self._task = ""
        self._began = self._told = clock()

    def __call__(self, task: str, done: int, total: int) -> None:
        now = self._clock()
        if task != self._task:
            # A task begins when the one before it has ended, not with its first result.
            self._task, self._began = task, self._told
        self._told = now
        if now < self._next_line:
            return
        self._next_line = now + SECONDS_BETWEEN_LINES
        notice(f"{task}: {_counted(self._what, done, total, now - self._began)}")
