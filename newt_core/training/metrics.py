"""What a run reports while it learns: ``metrics.jsonl``, TensorBoard and, if wanted, wandb."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, SupportsFloat

from newt_core.errors import RunFolderError
from newt_core.files import write_text
from newt_core.training.sinks import RESERVED, Row, Sink, TensorBoardSink


class MetricsLogger:
    """Hands one row per step to every sink. A context manager.

    What is logged at one step, at whatever moments, becomes one row. The file has it at once; the
    other sinks, which cannot change what they were given, get it when the next step begins.

    Log all of a step's metrics before saving that step's checkpoint: a run that is resumed
    from it keeps the rows up to and including its step.

    Args:
        file: the JSON lines.
        tensorboard: folder of TensorBoard's events, or None to do without.
        restored_step: the step of the checkpoint that the run goes on from; rows after it are
            dropped. None begins from nothing, and drops all.
        others: further sinks, such as :class:`WandbSink`.

    Raises:
        RunFolderError: the file cannot be written.
    """

    def __init__(
        self,
        file: Path,
        tensorboard: Path | None = None,
        *,
        restored_step: int | None = None,
        others: tuple[Sink, ...] = (),
    ) -> None:
        kept = _keep_rows(file, restored_step)
        # Time goes on from where the kept rows end.
        self._start = time.monotonic() - float(kept[-1].get("wall_time") or 0.0 if kept else 0.0)
        self._row: Row = kept[-1] if kept else {}
        self._restored: Row = dict(self._row)
        """The row that a run goes on with: the sinks have it already."""
        self._file = RowFile(file, kept)
        self._sinks: list[Sink] = [*others]
        if tensorboard is not None:
            self._sinks.append(TensorBoardSink(tensorboard, restored_step))

    @property
    def wall_time(self) -> float:
        """Seconds of training so far."""
        return time.monotonic() - self._start

    def log(self, step: int, metrics: Mapping[str, SupportsFloat]) -> None:
        """Report metrics of one step; numbers or tensors of one element."""
        clash = [name for name in RESERVED if name in metrics]
        if clash:
            raise ValueError(f"the metric name '{clash[0]}' is reserved")
        again = self._row.get("step") == step
        if not again:
            self._hand_on()
            self._row = {"step": step}
        self._row["wall_time"] = round(self.wall_time, 3)
        self._row.update((name, _number(value)) for name, value in metrics.items())
        self._file.write(self._row, again=again)

    def _hand_on(self) -> None:
        """Give the other sinks what is new in the row."""
        same_step = self._restored.get("step") == self._row.get("step")
        before = self._restored if same_step else {}
        new = {k: v for k, v in self._row.items() if k in RESERVED or before.get(k) != v}
        if set(new) - set(RESERVED):
            for sink in self._sinks:
                sink.write(new)

    def close(self) -> None:
        """Write out what is still in memory."""
        self._hand_on()
        self._file.close()
        for sink in self._sinks:
            sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class NoMetrics:
    """Takes a run's metrics, like :class:`MetricsLogger`, and forgets them."""

    def log(self, step: int, metrics: Mapping[str, SupportsFloat]) -> None:
        """Forget them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Do nothing: nothing was opened."""


class RowFile:
    """JSON lines of which the last can be replaced; a killed run loses none of them.

    Args:
        file: an existing file.
        rows: what it holds.
    """

    def __init__(self, file: Path, rows: list[Row]) -> None:
        self._path = file
        self._file = open(file, "r+b", buffering=0)  # noqa: SIM115
        self._end = self._file.seek(0, os.SEEK_END)
        self._last = self._end - (len(_line(rows[-1])) if rows else 0)

    def write(self, row: Row, *, again: bool) -> None:
        """Append a line, or where it comes ``again``, put it in the last one's place."""
        if not again:
            self._last = self._end
        line = _line(row)
        try:
            # In one call: a kill may leave an end of the old line behind, but no loss.
            written = os.pwrite(self._file.fileno(), line, self._last)
            if written < len(line):  # The disk is full; the next call says so.
                os.pwrite(self._file.fileno(), line[written:], self._last + written)
            self._end = self._last + len(line)
            self._file.truncate(self._end)
        except OSError as error:
            raise RunFolderError(f"cannot write {self._path}: {error.strerror}.") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_metrics(file: Path) -> list[Row]:
    """Return the rows of a ``metrics.jsonl``, passing over lines that are not whole.

    Raises:
        RunFolderError: there is no such file.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise RunFolderError(f"cannot read {file}: {error.strerror}.") from error
    return [row for row in map(_parse, lines) if row is not None]


def _keep_rows(file: Path, restored_step: int | None) -> list[Row]:
    """Rewrite the file with the whole lines up to the restored step, and return those."""
    kept: list[Row] = []
    if restored_step is not None and file.exists():
        kept = [row for row in read_metrics(file) if (row["step"] or 0) <= restored_step]
    try:
        write_text(file, b"".join(map(_line, kept)).decode())
    except OSError as error:
        raise RunFolderError(f"cannot write {file}: {error.strerror}.") from error
    return kept


def _line(row: Row) -> bytes:
    return (json.dumps(row, allow_nan=False) + "\n").encode()


def _parse(line: bytes) -> Row | None:
    """Return a line's row; None for one that a killed process left half-written."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(row.get("step"), int):
        return None
    return row if all(isinstance(v, int | float | None) for v in row.values()) else None


def _number(value: SupportsFloat) -> float | int | None:
    if isinstance(value, int):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None
