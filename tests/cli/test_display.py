"""What a run shows while it goes."""

from __future__ import annotations

import io
import sys

import pytest

from newt_cli.display import (
    SECONDS_BETWEEN_LINES,
    LivePanel,
    PlainLines,
    _counting_lines,
    _TaskLines,
    count_display,
    remaining_time,
    task_display,
    training_display,
)
from newt_core.training.progress import RunStatus


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def report(display, steps: int, message: str = "") -> None:
    scores = {"dmcontrol": 0.25}
    display.update(RunStatus(steps, 1000, 7, 20.0, scores, message))


def test_without_a_terminal_there_is_a_line_every_half_minute(capsys):
    clock = Clock()
    lines = PlainLines("demo", clock)
    for clock.now in range(0, 100, 5):
        report(lines, steps=int(clock.now))
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 4  # at 0, 30, 60 and 90 seconds
    assert printed[1] == (
        "demo: 30/1,000 steps · 20 steps/s · 7 updates · 0:00:48 left · dmcontrol 0.250"
    )


def test_messages_and_the_end_are_shown_at_once_and_once(capsys):
    lines = PlainLines("demo", Clock())
    report(lines, 0)
    report(lines, 1, "saved")
    report(lines, 1000)
    report(lines, 1000)
    printed = capsys.readouterr().err.splitlines()
    assert printed[1] == "demo: saved"
    assert len(printed) == 3
    assert "1,000/1,000" in printed[2]


class Terminal(io.StringIO):
    """A screen that remembers all it was sent."""

    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch) -> Terminal:
    """Put a terminal in the place of stderr."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    return screen


def test_on_a_terminal_a_panel_shows_the_same_numbers(monkeypatch):
    screen = open_terminal(monkeypatch)
    with training_display("demo") as display:
        assert isinstance(display, LivePanel)
        report(display, 500, "evaluated [bold]")
    shown = screen.getvalue()
    assert "evaluated [bold]" in shown
    assert "500/1,000 steps" in shown
    assert "dmcontrol" in shown


def test_counting_without_a_terminal_is_a_line_every_half_minute(capsys):
    clock = Clock()
    count = _counting_lines("tasks", clock)
    for clock.now in range(0, 70, 5):
        count(int(clock.now) // 5, 100)
    assert capsys.readouterr().err.splitlines() == [
        "6/100 tasks, 12.0 a minute, 0:07:50 left",
        "12/100 tasks, 12.0 a minute, 0:07:20 left",
    ]


def test_counting_on_a_terminal_shows_rate_and_time_left(monkeypatch):
    screen = open_terminal(monkeypatch)
    with count_display("tasks") as on_progress:
        on_progress(0, 8)
        on_progress(3, 8)
    shown = screen.getvalue()
    assert "3/8 tasks" in shown
    assert "a minute" in shown
    assert "left" in shown


def test_without_a_terminal_the_work_on_tasks_is_told_line_by_line(capsys):
    clock = Clock()
    tell = _TaskLines("frames", clock)
    for now, told in ((4, 100), (SECONDS_BETWEEN_LINES, 250), (SECONDS_BETWEEN_LINES + 1, 300)):
        clock.now = now
        tell("walker-run", told, 500)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("walker-run: 250/500 frames, ")
    assert line.endswith(" left")


def test_on_a_terminal_each_task_has_a_bar_with_rate_and_time_left(monkeypatch):
    screen = open_terminal(monkeypatch)
    with task_display("frames") as on_progress:
        on_progress("walker-run", 5, 500)
        on_progress("walker-walk", 6, 500)
    shown = screen.getvalue()
    for line in ("walker-run", "5/500 frames", "walker-walk", "6/500 frames", "a minute", "left"):
        assert line in shown


@pytest.mark.parametrize(
    ("steps", "speed", "text"),
    [(0, 10.0, "0:01:40"), (1000, 10.0, "0:00:00"), (0, 0.1, "2:46:40"), (0, 0.0, "?")],
)
def test_remaining_time(steps, speed, text):
    assert remaining_time(steps, 1000, speed) == text
