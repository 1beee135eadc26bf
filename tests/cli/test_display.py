"""What a run shows while it goes."""

from __future__ import annotations

import io
import sys

import pytest

from newt_cli.display import (
    LivePanel,
    PlainLines,
    episode_display,
    remaining_time,
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


def test_on_a_terminal_a_panel_shows_the_same_numbers(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with training_display("demo") as display:
        assert isinstance(display, LivePanel)
        report(display, 500, "evaluated [bold]")
    shown = screen.getvalue()
    assert "evaluated [bold]" in shown
    assert "500/1,000 steps" in shown
    assert "dmcontrol" in shown


def test_counting_episodes_needs_no_terminal(capsys):
    with episode_display("episodes") as on_progress:
        on_progress(1, 2)
        on_progress(2, 2)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("steps", "speed", "text"),
    [(0, 10.0, "0:01:40"), (1000, 10.0, "0:00:00"), (0, 0.1, "2:46:40"), (0, 0.0, "?")],
)
def test_remaining_time(steps, speed, text):
    assert remaining_time(steps, 1000, speed) == text
