"""A run in a process of its own, and what it and the process that started it say to each other.

A fresh interpreter instead of a fork: PyTorch's threads do not survive one. Messages are JSON. The
run ends with a save when it is told to stop, and also when whoever started it is gone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from newt_core import threads
from newt_core.envs.pool.process import stops_held_back
from newt_core.errors import NewtError, in_short
from newt_core.interpreter import same_packages
from newt_core.training.progress import Evaluating, RunStatus

_CODE = "import sys; from newt_core.workflows.run_apart import main; main(int(sys.argv[1]))"
_TELL_SECONDS = 0.5
"""How often a run tells how far it is."""
DONE, INTERRUPTED, FAILED = "done", "interrupted", "failed"
"""How a run ends."""


class RunProcess:
    """A process that makes one run, or goes on with it.

    Args:
        folder: The run's.
        count: Threads that it may compute with.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.connection, theirs = Pipe()
        variables = same_packages()
        threads.let_waiting_threads_sleep(variables)
        # What a terminal's Ctrl-C means is for this process to decide, which passes it on.
        with stops_held_back():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CODE, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard output belongs to the command line
            )
        theirs.close()
        _send(self.connection, {"folder": str(folder), "threads": count})

    def stop(self) -> None:
        """Ask the run to save and end. Can be repeated."""
        _send(self.connection, {"stop": True})

    def heard(self) -> Iterator[RunStatus | str | tuple[str, str]]:
        """Yield what has come: where the run is, a line of text, or how it ended and why.

        A process that is gone ends as :data:`FAILED`.
        """
        try:
            while self.connection.poll():
                message = json.loads(self.connection.recv_bytes())
                if "ended" in message:
                    yield message["ended"], message["why"]
                    return
                yield message["line"] if "line" in message else _status(message)
        except (EOFError, OSError):
            code = self._process.wait()
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            yield FAILED, f"its process {how}"

    def close(self) -> None:
        """End the process, at once if it has not ended by itself."""
        self.connection.close()
        if self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """End the process at once; the run can be gone on with from its newest checkpoint."""
        self._process.kill()
        self.close()


def main(descriptor: int) -> None:
    """Make the run that the other end of a pipe names; what a process of its own does."""
    connection = Connection(descriptor)
    order = json.loads(connection.recv_bytes())
    teller = _Teller(connection)
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(connection, stopped), daemon=True).start()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, category, *others: teller.warn(message, category)
            interrupted = _run(order, teller, stopped)
        teller.end(INTERRUPTED if interrupted else DONE)
    except (NewtError, OSError) as error:
        teller.end(FAILED, str(error))
    except Exception as error:
        teller.end(FAILED, f"a fault of Newt's own, {in_short(error)}; its traceback is above")
        raise


def _run(order: Mapping[str, Any], progress: _Teller, stopped: threading.Event) -> bool:
    """Return whether the run was interrupted."""
    import torch

    from newt_core.allocator import keep_freed_memory
    from newt_core.training.run_folder import RunFolder
    from newt_core.workflows.run_one import run_one

    keep_freed_memory()
    torch.set_num_threads(order["threads"])
    return run_one(RunFolder(Path(order["folder"])), progress, stopped.is_set)


def _listen(connection: Connection, stopped: threading.Event) -> None:
    """Wait until the other end asks to stop, or is gone."""
    with suppress(EOFError, OSError):
        connection.recv_bytes()
    stopped.set()


class _Teller:
    """A :class:`newt_core.training.progress.Progress` at the other end of a pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._next = 0.0
        self._counted = ""

    def update(self, status: RunStatus) -> None:
        """Tell it, if there is a message or nothing was told for a while."""
        at_end = status.steps >= status.total or status.counts != self._counted
        if status.message or at_end or time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_SECONDS
            self._counted = status.counts
            _send(self._connection, asdict(status))

    def warn(self, message: Warning | str, category: type[Warning]) -> None:
        """Tell what Newt warns of; libraries' warnings are of no use to whoever watches a list."""
        if category is UserWarning:
            _send(self._connection, {"line": f"warning: {message}"})

    def end(self, how: str, why: str = "") -> None:
        """Tell how the run ended."""
        _send(self._connection, {"ended": how, "why": why})


def _send(connection: Connection, message: Mapping[str, Any]) -> None:
    with suppress(OSError):  # The other end is gone, which the listening side finds out.
        connection.send_bytes(json.dumps(message, default=float).encode())


def _status(message: Mapping[str, Any]) -> RunStatus:
    known = {field.name: message[field.name] for field in fields(RunStatus)}
    evaluating = known["evaluating"]
    return RunStatus(**{**known, "evaluating": Evaluating(**evaluating) if evaluating else None})
