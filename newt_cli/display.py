"""What a long run shows while it goes: a live panel, or a plain line every half minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from newt_cli.console import notice
from newt_core.errors import printable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from newt_core.training.progress import RunStatus

SECONDS_BETWEEN_LINES = 30.0
"""How often a run without a terminal says where it is."""
REDRAWS_PER_SECOND = 4


@contextmanager
def training_display(title: str) -> Iterator[LivePanel | PlainLines]:
    """Show a run on stderr for as long as the block lasts, in the form that fits stderr."""
    if not sys.stderr.isatty():
        yield PlainLines(title)
        return
    with LivePanel(title).shown() as panel:
        yield panel


class PlainLines:
    """One line on stderr every :data:`SECONDS_BETWEEN_LINES`, and one for every message."""

    def __init__(self, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._clock = clock
        self._next_line = clock()
        self._ended = False

    def update(self, status: RunStatus) -> None:
        """Print a line if one is due; see :class:`newt_core.training.progress.Progress`."""
        if status.message:
            self.note(status.message)
        ended = status.steps >= status.total
        again = ended and self._ended
        if again or (self._clock() < self._next_line and not ended):
            return
        self._ended = ended
        self._next_line = self._clock() + SECONDS_BETWEEN_LINES
        parts = [
            _numbers(status),
            *(f"{domain} {score:.3f}" for domain, score in status.scores.items()),
        ]
        self.note(" · ".join(parts))

    def note(self, text: str) -> None:
        """Print a line at once."""
        notice(f"{self._title}: {text}")


class LivePanel:
    """A bar, the speed, and a score per domain, redrawn in place on a terminal."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("[bold]{task.description}", markup=True),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}"),
            console=self._console,
            expand=True,
        )
        self._task = self._bar.add_task(title, total=None, numbers="")
        self._scores: dict[str, float] = {}
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[LivePanel]:
        """Draw the panel inside the block; it stays on the screen afterwards."""
        from rich.live import Live

        with Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=REDRAWS_PER_SECOND,
            redirect_stdout=False,
        ) as self._live:
            yield self

    def update(self, status: RunStatus) -> None:
        """Take the new numbers; see :class:`newt_core.training.progress.Progress`."""
        if status.message:
            self.note(status.message)
        self._bar.update(
            self._task, completed=status.steps, total=status.total, numbers=_numbers(status)
        )
        self._scores = dict(status.scores)

    def note(self, text: str) -> None:
        """Print a line above the panel."""
        self._console.print(printable(text), markup=False, highlight=False)

    def _render(self) -> Group:
        from rich.console import Group
        from rich.table import Table

        scores = Table.grid(padding=(0, 2))
        for domain, score in self._scores.items():
            scores.add_row(f"  {domain}", f"{score:.3f}")
        return Group(self._bar, scores)


def _numbers(status: RunStatus) -> str:
    left = remaining_time(status.steps, status.total, status.steps_per_s)
    run = f"{status.run} · " if status.run else ""
    updates = f" · {status.updates:,} updates" if status.counts != "updates" else ""
    accidents = ""
    if status.deaths or status.lost_episodes:
        accidents = f" · {status.deaths:,} deaths, {status.lost_episodes:,} episodes lost"
    digits = 0 if status.steps_per_s >= 10 else 1
    return (
        f"{run}{status.steps:,}/{status.total:,} {status.counts} · "
        f"{status.steps_per_s:,.{digits}f} {status.counts}/s{updates}{accidents} · {left} left"
    )


def remaining_time(steps: int, total: int, steps_per_s: float) -> str:
    """Return the time that the remaining steps will take, as 0:12:34."""
    if steps_per_s <= 0:
        return "?"
    minutes, seconds = divmod(round(max(total - steps, 0) / steps_per_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


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
    """Return how many are done after ``seconds``, how fast, and how long the others will take."""
    rate = done / seconds if seconds > 0 else 0.0
    left = remaining_time(done, total, rate)
    return f"{done:,}/{total:,} {what}, {60 * rate:,.1f} a minute, {left} left"


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
        rate = done / (now - start)
        whole = "" if total is None else f" of {total / 1e6:,.0f}"
        left = "" if total is None else f" · {remaining_time(done, total, rate)} left"
        notice(f"{title}: {done / 1e6:,.0f}{whole} MB · {rate / 1e6:,.1f} MB/s{left}")

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
