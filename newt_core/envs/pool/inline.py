"""A worker without a process: its environments run here, where a debugger reaches them."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from newt_core.envs.pool.buffers import SharedArrays
from newt_core.envs.pool.messages import Kind
from newt_core.envs.pool.worker import Worker


class Answers:
    """What the worker said and nobody has heard yet, in the place of a connection.

    Its descriptor can be read while there is something, so that it can be listened to as a
    connection is. A connection of the system's holds a few hundred messages at most, and here
    nobody listens while the worker speaks.
    """

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self._readable, self._writable = os.pipe()

    def fileno(self) -> int:
        """Return the descriptor to listen to."""
        return self._readable

    def send_bytes(self, message: bytes) -> None:
        """Add a message."""
        if not self._messages:
            os.write(self._writable, b"\0")
        self._messages.append(message)

    def recv_bytes(self) -> bytes:
        """Take the oldest message."""
        message = self._messages.popleft()
        if not self._messages:
            os.read(self._readable, 1)
        return message

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._readable)
        os.close(self._writable)


class InlineWorker:
    """What :class:`newt_core.envs.pool.process.WorkerProcess` is, without its process.

    A request is done when :meth:`send` returns. An error of a simulator costs an episode, as
    elsewhere; a crash ends this process, and nobody notices when a simulator hangs.

    Args:
        shared: The pool's arrays.
        builders: domains beside the installed ones, name → ``module:function``.
    """

    def __init__(self, shared: SharedArrays, builders: Mapping[str, str]) -> None:
        self.index = 0
        self.connection = Answers()
        self._worker = Worker(self.index, self.connection, shared, builders)
        self._open = True

    @property
    def pid(self) -> int:
        """The process id: this process's."""
        return os.getpid()

    def send(self, kind: Kind, body: Any) -> None:
        """Do what is requested. Simulators' own prints go to standard error."""
        with redirect_stdout(sys.stderr):
            self._worker.answer(kind, body)

    def silent_for(self, waited_s: float) -> float:
        """Return 0: it is never silent while somebody listens."""
        return 0.0

    def kill(self) -> None:
        """Do nothing: there is no process to end."""

    def cause_of_death(self) -> str:
        """Say that it was closed."""
        return "it was closed"

    def hang_up(self) -> None:
        """Close the environments. Can be repeated."""
        self._worker.drop_all()

    def bury(self, wait_s: float) -> None:
        """Give back what is left. Can be repeated."""
        if self._open:
            self._open = False
            self.connection.close()
