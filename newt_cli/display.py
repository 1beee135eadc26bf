"""What a long run shows while it goes: a live panel, or a plain line every half minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from newt_cli.console import notice
from newt_cli.counts import SECONDS_BETWEEN_LINES, clock_time, counted, rate
from newt_core.errors import printable
from newt_core.training.stage_clock import in_words

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from newt_core.training.progress import RunStatus

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
        ended = _ended(status)
        if self._ended if ended else self._clock() < self._next_line:
            return
        self._ended = self._ended or ended
        self._next_line = self._clock() + SECONDS_BETWEEN_LINES
        parts = [
            _numbers(status),
            *(f"{domain} {score:.3f}" for domain, score in status.scores.items()),
        ]
        if evaluation := _evaluation(status):
            parts.append(f"evaluation {evaluation}")
        if stages := in_words(status.stages):
            parts.append(stages)
        self.note(" · ".join(parts))

    def note(self, text: str) -> None:
        """Print a line at once."""
        notice(f"{self._title}: {text}")


class LivePanel:
    """Bars of the run and its evaluation, the speed, a score per domain, redrawn in place."""

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
        self._evaluation = self._bar.add_task("evaluation", total=None, numbers="", visible=False)
        self._scores: dict[str, float] = {}
        self._stages = ""
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
        now = status.evaluating
        self._bar.update(
            self._evaluation,
            visible=now is not None,
            completed=0 if now is None else now.done,
            total=None if now is None or not now.total else now.total,
            numbers=_evaluation(status),
        )
        self._scores = dict(status.scores)
        self._stages = in_words(status.stages)

    def note(self, text: str) -> None:
        """Print a line above the panel."""
        self._console.print(printable(text), markup=False, highlight=False)

    def _render(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        scores = Table.grid(padding=(0, 2))
        for domain, score in self._scores.items():
            scores.add_row(f"  {domain}", f"{score:.3f}")
        stages = [Text(f"  {self._stages}", style="dim")] if self._stages else []
        return Group(self._bar, *stages, scores)


def _ended(status: RunStatus) -> bool:
    return status.steps >= status.total and status.evaluating is None


def _numbers(status: RunStatus) -> str:
    """Return where a run is; what is not known is left out."""
    parts = [status.run] if status.run else []
    parts += [f"{status.steps:,}/{status.total:,} {status.counts}"]
    if status.steps_per_s > 0:
        parts.append(f"{rate(status.steps_per_s)} {status.counts}/s")
    if status.counts != "updates":
        parts.append(f"{status.updates:,} updates")
    if status.deaths or status.lost_episodes:
        lost = counted(status.lost_episodes, "episode")
        parts.append(f"{counted(status.deaths, 'death')}, {lost} lost")
    if status.seconds_left is not None and not _ended(status):
        parts.append(f"{clock_time(status.seconds_left)} left")
    return " · ".join(parts)


def _evaluation(status: RunStatus) -> str:
    """Return where the evaluation under way is; nothing if there is none."""
    now = status.evaluating
    if now is None or not now.total:
        return ""
    left = "" if now.seconds_left is None else f" · {clock_time(now.seconds_left)} left"
    return f"{now.done:,}/{now.total:,} steps{left}"
