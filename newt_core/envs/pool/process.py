"""One worker process from the parent's side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from typing import Any, Protocol

from newt_core import threads
from newt_core.envs.pool import messages
from newt_core.envs.pool.buffers import PoolShape, SharedArrays
from newt_core.envs.pool.messages import Kind
from newt_core.errors import ConfigError
from newt_core.interpreter import same_packages

_CODE = "import sys; from newt_core.envs.pool.worker import main; main(*map(int, sys.argv[1:]))"

_GRACE_S = 2.0
"""Seconds that workers get to close their environments."""


WORKERS_VARIABLE = "NEWT_WORKERS"
"""How many worker processes a pool has, where nothing else says it."""


def usual_workers(otherwise: int | None = None) -> int:
    """Return how many processes a pool has where its maker does not say; 0 for none.

    Args:
        otherwise: Where the variable does not say either; by default as many as usable cores.

    Raises:
        ConfigError: :data:`WORKERS_VARIABLE` is no such number.
    """
    said = os.environ.get(WORKERS_VARIABLE, "")
    if not said:
        return threads.usable_cores() if otherwise is None else otherwise
    if not said.isdecimal():
        raise ConfigError(f"{WORKERS_VARIABLE} must be a whole number, 0 or more, not '{said}'.")
    return int(said)


class WorkerProcess:
    """A worker process, the connection to it, and how long it has been silent.

    A fresh interpreter instead of a ``multiprocessing`` child, because the latter imports the
    user's main script again, and with it whatever that imports.

    Args:
        index: the worker's number, which its replacement inherits.
        shape: the sizes of the shared arrays.
        memory_fd: descriptor of the shared memory.
        shared: the parent's views of it.
        builders: domains beside the installed ones, name → ``module:function``.
    """

    def __init__(
        self,
        index: int,
        shape: PoolShape,
        memory_fd: int,
        shared: SharedArrays,
        builders: Mapping[str, str],
    ) -> None:
        self.index = index
        self._progress = shared.progress
        self._last_progress = int(shared.progress[index])
        self._silence_s = 0.0
        self.connection, theirs = Pipe()
        # The worker ends when our end of this pipe closes. Each worker needs a pipe of its
        # own: on a shared one, only the last to ask would be signalled.
        lifeline, self._lifeline = os.pipe()
        descriptors = (theirs.fileno(), memory_fd, lifeline)
        with stops_held_back():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CODE, *map(str, descriptors)],
                pass_fds=descriptors,
                env=_environment(draws=shape.frames > 0),
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard output belongs to the command line, simulators may be chatty
            )
        theirs.close()
        os.close(lifeline)
        with suppress(OSError):  # if it died already, listening to it will tell
            self.connection.send((index, shape, dict(builders)))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, kind: Kind, body: Any) -> None:
        """Send a request. If the worker is dead, that is for the listening side to notice."""
        self._silence_s = 0.0
        with suppress(OSError):
            messages.send(self.connection, kind, body)

    def silent_for(self, waited_s: float) -> float:
        """Note that the parent listened in vain for ``waited_s``; return the whole silence.

        Progress within a batch of environments is a sign of life. Only time spent listening
        counts, not time in which the parent was busy elsewhere.
        """
        progress = int(self._progress[self.index])
        alive = progress != self._last_progress
        self._last_progress = progress
        self._silence_s = 0.0 if alive else self._silence_s + waited_s
        return self._silence_s

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        self._process.kill()
        end([self])

    def cause_of_death(self) -> str:
        """Say how a process ended whose connection broke."""
        end([self])  # a broken connection can be seen a moment before the process is gone
        code = self._process.returncode
        if code >= 0:
            return f"its process ended with exit code {code}"
        return f"its process was ended by {signal.Signals(-code).name}"

    def hang_up(self) -> None:
        """Tell the worker to end. Can be repeated."""
        self.connection.close()

    def bury(self, wait_s: float) -> None:
        """Wait for the process to end after :meth:`hang_up`, then insist. Can be repeated."""
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


class Ending(Protocol):
    """A worker, to whoever ends it."""

    def hang_up(self) -> None:
        """Tell it to end."""

    def bury(self, wait_s: float) -> None:
        """Wait for its end, then insist."""


def end(workers: Sequence[Ending]) -> None:
    """End processes together: ask all, wait a moment, insist."""
    for worker in workers:
        worker.hang_up()
    deadline = time.monotonic() + _GRACE_S
    for worker in workers:
        worker.bury(max(0.0, deadline - time.monotonic()))


@contextmanager
def stops_held_back() -> Iterator[None]:
    """Block SIGINT and SIGTERM; what is started in the block has them blocked for good.

    A terminal sends Ctrl-C to workers, too, and a job's scheduler or launcher sends SIGTERM to all
    of its processes. What to do about it is for this process to decide, which gets them after the
    block: it needs its workers until the run is saved.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _environment(*, draws: bool) -> dict[str, str]:
    """Return a worker's environment variables.

    It finds the same packages as this process. One thread each: the cores are shared out
    already. And no OpenGL in a worker that draws nothing: it would cost 50 MB.
    """
    variables = same_packages()
    for name in (*threads.COUNTS, "OPENBLAS_NUM_THREADS"):
        variables.setdefault(name, "1")
    threads.let_waiting_threads_sleep(variables)  # where the user wants more than one
    if not draws:
        variables["MUJOCO_GL"] = "disable"
    return variables
