"""From mistakes and interruptions to exit codes."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from newt_cli.failures import StopRequest, report_failures
from newt_core.errors import ConfigError, TrainingDiverged


def raising(error: BaseException):
    def work() -> None:
        raise error

    return work


def opening_nothing() -> None:
    Path("/nowhere/at/all").read_text()


def asked_to_end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def interrupted_in_a_library(then: Exception | None = None):
    """Press Ctrl-C where a library swallows it, or makes another error of it."""

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            if then is not None:
                raise then from None

    return work


@pytest.mark.parametrize(
    ("work", "code", "said"),
    [
        (lambda: None, 0, ""),
        (lambda: 7, 7, ""),  # how typer.Exit(7) arrives
        (raising(ConfigError("the seed is -1.")), 2, "error: the seed is -1.\n"),
        (raising(TrainingDiverged("a loss is nan.")), 1, "error: a loss is nan.\n"),
        (opening_nothing, 1, "error: No such file or directory: /nowhere/at/all\n"),
        (raising(OSError("the disk is gone")), 1, "error: the disk is gone\n"),
        (raising(KeyboardInterrupt()), 130, "Interrupted.\n"),
        (asked_to_end, 130, "Interrupted.\n"),
        (interrupted_in_a_library(), 130, "Interrupted.\n"),
        (interrupted_in_a_library(then=ImportError("numpy is broken")), 130, "Interrupted.\n"),
    ],
)
def test_every_end_has_its_exit_code_and_its_line(capsys, monkeypatch, work, code, said):
    monkeypatch.setenv("NEWT_DEBUG", "0")
    assert report_failures(work) == code
    assert capsys.readouterr() == ("", said)


def test_a_message_cannot_steer_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("NEWT_DEBUG", "0")
    report_failures(raising(ConfigError("there is no '\x1b[2J\x1b]0;title\x07x\rsetting'.")))
    assert capsys.readouterr().err == "error: there is no 'x\ufffdsetting'.\n"


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        report_failures(lambda: 1 // 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_is_told_once_and_the_second_ends_it(number):
    told: list[str] = []
    stop = StopRequest(told.append)
    before = signal.getsignal(number)
    with stop.listening():
        assert not stop()
        os.kill(os.getpid(), number)
        assert not told  # not from within the handler
        assert [stop(), stop()] == [True, True]
        assert told == ["Stopping after a save. Ctrl-C once more stops at once, without it."]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_work_in_another_thread_leaves_the_signals_alone():
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(report_failures(lambda: 5)))
    thread.start()
    thread.join()
    assert codes == [5]
