"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

import typer

from newt_core.errors import printable
from newt_core.reporting.numbers import NO_VALUE as NO_VALUE
from newt_core.reporting.numbers import number as number

FILE_WIDTH = 240
"""Columns for a table that goes to a file or a pipe: wide enough that no row is folded."""
REMARK_AFTER = 4.0
"""Seconds by which a command that only looks something up, or refuses its input, has ended."""


def open_closed_streams() -> None:
    """Let what goes to a standard stream that the caller has closed go nowhere.

    Files that are opened later would otherwise get its number, and the output in them.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def write(text: str) -> None:
    """Print a result on stdout."""
    _put(printable(text))


def _put(text: str) -> None:
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError as error:
        # Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # The reader, `head` say, has seen enough.
            raise typer.Exit(0) from None
        raise OSError(error.errno, error.strerror, "standard output") from error


def notice(text: str) -> None:
    """Print a remark on stderr."""
    with suppress(OSError):  # Nobody reads it, or the disk is full: the work goes on.
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()


def notice_later(text: str) -> None:
    """Print a remark on stderr if the command still runs :data:`REMARK_AFTER` seconds from now."""
    timer = threading.Timer(REMARK_AFTER, notice, [text])
    timer.daemon = True
    timer.start()


def write_json(document: Any) -> None:
    """Print one JSON document on stdout; what is not a finite number becomes null."""
    from newt_core.files import plain

    _put(json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def write_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[str] = (),
    folds: Iterable[str] = (),
    gives_way: Sequence[str] = (),
) -> None:
    """Print a table on stdout. On a narrow terminal columns are left out, but no cell is cut.

    Args:
        columns: Headings. The first column says what a row is about: it stays, in full.
        rows: Cells, plain text.
        right: The columns to align to the right, numbers as a rule.
        folds: The columns of texts and paths, which may take several lines.
        gives_way: The columns to leave out where there is no room, in this order.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [list(row) for row in rows]
    width = terminal_width()
    foldable = set(folds)
    kept = _columns_that_fit(columns, cells, width, foldable, gives_way)
    numbers = set(right)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for column in kept:
        table.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=column not in foldable,
            overflow="fold",
        )
    for row in cells:
        table.add_row(*(Text(printable(row[columns.index(column)])) for column in kept))
    # As wide as it has to be: rich would cut what does not fit.
    console = Console(width=max(width, _width(kept, columns, cells, foldable)))
    with console.capture() as capture:
        console.print(table)
    _put("\n".join(line.rstrip() for line in capture.get().splitlines()))
    left_out = [column for column in columns if column not in kept]
    if left_out:
        notice(f"left out for lack of room: {', '.join(left_out)}. --json has everything.")


_GAP = 2
"""Spaces between columns."""
_NARROWEST_FOLD = 16
"""Characters that a column of texts gets at least."""


def terminal_width() -> int:
    """Return the columns that a table may take: those of the terminal, and plenty without one."""
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else FILE_WIDTH


def _columns_that_fit(
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    width: int,
    folds: set[str],
    gives_way: Sequence[str],
) -> list[str]:
    kept = list(columns)
    for column in gives_way:
        if _width(kept, columns, cells, folds) <= width:
            break
        kept.remove(column)
    return kept


def _width(
    kept: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[str]], folds: set[str]
) -> int:
    """Return the characters that some columns take, those that fold at their narrowest."""
    from rich.cells import cell_len

    total = _GAP * (len(kept) - 1)
    for column in kept:
        at = columns.index(column)
        widest = max([cell_len(column), *(cell_len(row[at]) for row in cells)])
        if column in folds:  # between words, or within a path
            words = (word for row in cells for word in row[at].split() if "/" not in word)
            least = max([_NARROWEST_FOLD, cell_len(column), *map(cell_len, words)])
            widest = min(widest, least)
        total += widest
    return total


@contextmanager
def quiet_stdout() -> Iterator[None]:
    """Send what libraries and worker processes print on stdout to stderr.

    Wrapped around a command's work, so that its result is all that stdout holds.
    """
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(stdout, 1)
        os.close(stdout)
