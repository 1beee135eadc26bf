"""Where a run's metrics go besides ``metrics.jsonl``: TensorBoard, Weights & Biases."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

from newt_core.errors import MissingDependencyError, in_short

RESERVED = ("step", "wall_time")
"""Keys that every line has: agent steps, and seconds of training, summed over resumptions."""

Row = dict[str, float | int | None]
"""One line: every metric of one step. None where a number is not finite."""


class Sink(Protocol):
    """Somewhere that rows go."""

    def write(self, row: Row) -> None:
        """Take one row, :data:`RESERVED` keys included."""

    def close(self) -> None:
        """Write out what is still in memory."""


class TensorBoardSink:
    """Scalars for TensorBoard, which hides what it had beyond the restored step.

    Written here and now, not in a thread as PyTorch's writer does: where the disk refuses, the run
    goes on without them.
    """

    def __init__(self, folder: Path, restored_step: int | None) -> None:
        # Importing it takes a while, which commands that train nothing should not spend.
        from tensorboard.compat.proto.event_pb2 import SessionLog

        self._folder = folder
        self._file: IO[bytes] | None = None
        with self._or_do_without():
            folder.mkdir(parents=True, exist_ok=True)
            name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
            self._file = open(folder / name, "wb")  # noqa: SIM115
        purge = 0 if restored_step is None else restored_step + 1
        self._add(purge, file_version="brain.Event:2")
        self._add(purge, session_log=SessionLog(status=SessionLog.START))

    def write(self, row: Row) -> None:
        """Add the row's numbers; those that are not finite are left out."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=name, simple_value=value) for name, value in _values(row)]
        self._add(row["step"], summary=Summary(value=values))

    def close(self) -> None:
        """Close the event file."""
        if self._file is not None:
            with self._or_do_without():
                self._file.close()

    def _add(self, step: float | None, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        if self._file is not None:
            event = Event(wall_time=time.time(), step=int(step or 0), **content)
            with self._or_do_without():
                RecordWriter(self._file).write(event.SerializeToString())
                self._file.flush()

    @contextmanager
    def _or_do_without(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()
            self._file = None
            warnings.warn(
                f"going on without TensorBoard: cannot write in {self._folder}: {in_short(error)}; "
                "metrics.jsonl has the same numbers",
                stacklevel=4,
            )


class WandbSink:
    """Weights & Biases, an optional package.

    Args:
        run_name: name and id there, so that a resumed run goes on in the same place.
        folder: where wandb keeps its files.
        config: the run's settings, to be shown there.

    Raises:
        MissingDependencyError: the package is not installed.
    """

    def __init__(self, run_name: str, folder: Path, config: Mapping[str, Any]) -> None:
        try:
            import wandb
        except ImportError as error:
            raise MissingDependencyError(
                "wandb is not installed. Install Newt's extra 'wandb' (pip install wandb), "
                "or leave it off: metrics.jsonl and TensorBoard have the same numbers."
            ) from error
        self._run = wandb.init(
            project="newt",
            id=run_name,
            name=run_name,
            resume="allow",
            dir=str(folder),
            config=dict(config),
        )

    def write(self, row: Row) -> None:
        """Send the row's numbers."""
        self._run.log(dict(_values(row)), step=row["step"])

    def close(self) -> None:
        """Finish the upload."""
        self._run.finish()


def _values(row: Row) -> Iterator[tuple[str, float | int]]:
    """Yield the row's metrics that have a value."""
    for name, value in row.items():
        if name not in RESERVED and value is not None:
            yield name, value
