"""From mistakes and interruptions to exit codes.

==== =======================================================================
code meaning
==== =======================================================================
0    done
1    the work failed, or a check did not pass
2    the user's input is wrong
130  interrupted, after saving what there was to save
==== =======================================================================

A mistake gives one or two lines on stderr, with a traceback only under ``NEWT_DEBUG=1``.
What is neither a mistake nor an operating system's refusal is a bug in Newt and keeps its
traceback.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from newt_cli.__main__ import INTERRUPTED
from newt_cli.console import notice, write_json
from newt_core.errors import NewtError, did_you_mean, disk_is_full

DEBUG_VARIABLE = "NEWT_DEBUG"
FAILED = 1


def report_failures(work: Callable[[], object], *, as_json: bool = False) -> int:
    """Run ``work`` and return the exit code; an int that it returns is the code.

    Args:
        work: What the command does.
        as_json: Print a mistake as ``{"error": …}`` on stdout, too.
    """
    try:
        with interruptible(), _warnings_as_remarks():
            code = work()
    except (KeyboardInterrupt, Interruption):
        return _interrupted(as_json)
    except NewtError as error:
        code = FAILED if disk_is_full(error) else error.exit_code
        return _explain(str(error), code, as_json)
    except typer.TyperException as error:
        return _explain(_usage_message(error), error.exit_code, as_json)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _explain(f"{error.strerror or error}{where}", FAILED, as_json)
    return code if isinstance(code, int) else 0


class Interruption(BaseException):
    """A KeyboardInterrupt on its way through Typer, which would make a mere exit code of it."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block with KeyboardInterrupt, whatever libraries make of it.

    Interrupted in the middle of an import, some raise errors of their own, as if they were broken.
    """
    received = False

    def receive(signum: int, frame: FrameType | None) -> None:
        nonlocal received
        received = True
        raise KeyboardInterrupt

    with _handling(receive, signal.SIGINT, signal.SIGTERM):
        try:
            yield
        except Exception as error:
            if received:
                raise KeyboardInterrupt from error
            raise
    if received:  # a library went on as if nothing had happened
        raise KeyboardInterrupt


class StopRequest:
    """Whether the user asked to stop: call it to find out.

    The first Ctrl-C (or SIGTERM) only makes the answer true, so that the work can save and
    end by itself; the second raises KeyboardInterrupt wherever the program is.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        """``announce`` shows a line to the user; it is called from :meth:`__call__`."""
        self.received = False
        self._announce = announce
        self._announced = False

    def __call__(self) -> bool:
        """Return the answer; the first time that it is yes, tell the user."""
        # Announced here and not in the signal's handler, which may run in the middle of a print.
        if self.received and not self._announced:
            self._announced = True
            self._announce("Stopping after a save. Ctrl-C once more stops at once, without it.")
        return self.received

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Receive the signals inside the block."""
        with _handling(self._receive, signal.SIGINT, signal.SIGTERM):
            yield

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], Any], *signals: int) -> Iterator[None]:
    """Install a signal handler for the block; Python allows it in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)


@contextmanager
def _warnings_as_remarks() -> Iterator[None]:
    """Print what Newt warns of as a line, without the place in the code."""
    shown = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        if category is UserWarning and {"newt_core", "newt_cli"} & set(Path(filename).parts):
            notice(f"warning: {message}")
        else:
            shown(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _interrupted(as_json: bool) -> int:
    notice("Interrupted.")
    if as_json:
        write_json({"error": "interrupted"})
    return INTERRUPTED


def _explain(message: str, code: int, as_json: bool) -> int:
    if os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0"):
        traceback.print_exc()
    notice(f"error: {message}")
    if as_json:
        write_json({"error": message})
    return code


def _usage_message(error: typer.TyperException) -> str:
    """Return what is wrong with the command line, and where its help is."""
    near = getattr(error, "possibilities", None)  # an unknown option
    if near:
        message = f"{error.message.rstrip('.')}.{did_you_mean(error.option_name, near)}"  # type: ignore[attr-defined]
    else:
        message = _in_our_words(" ".join(error.format_message().split()), error)
    context = getattr(error, "ctx", None)
    return message + (f"\nSee: {context.command_path} --help" if context else "")


def _in_our_words(message: str, error: typer.TyperException) -> str:
    """Return Typer's message with what it leaves out, and without what pydantic adds."""
    if message == "Missing command.":
        return f"name a command: {', '.join(error.ctx.command.commands)}"  # type: ignore[attr-defined]
    extra = re.fullmatch(r"Got unexpected extra arguments?\(?s?\)? \((.*)\)", message)
    if extra is not None:
        return f"unexpected argument: {extra[1]}"
    message = message.replace(" requires an argument.", " needs a value.")
    return message.removeprefix("Invalid value: ").replace("Value error, ", "")
