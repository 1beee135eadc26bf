"""What a run shows while it goes."""

from __future__ import annotations

import io
import re
import sys

import pytest

from newt_cli.counts import (
    SECONDS_BETWEEN_LINES,
    _counting_lines,
    _megabyte_lines,
    _TaskLines,
    count_display,
    download_display,
    remaining_time,
    task_display,
)
from newt_cli.display import LivePanel, PlainLines, training_display
from newt_core.training.progress import Evaluating, RunStatus
from newt_core.training.stage_clock import Stage


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def report(display, steps: int, message: str = "", evaluating: Evaluating | None = None) -> None:
    left = (1000 - steps) / 20
    display.update(
        RunStatus(
            steps,
            1000,
            7,
            20.0,
            {"dmcontrol": 0.25},
            message,
            seconds_left=left,
            evaluating=evaluating,
        )
    )


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
    report(lines, 1000, "score 0.250")
    assert capsys.readouterr().err.splitlines() == [
        "demo: 0/1,000 steps · 20 steps/s · 7 updates · 0:00:50 left · dmcontrol 0.250",
        "demo: saved",
        "demo: 1,000/1,000 steps · 20 steps/s · 7 updates · dmcontrol 0.250",
        "demo: score 0.250",
    ]


def test_one_of_several_runs_is_named(capsys):
    status = RunStatus(
        30, 1000, 7, 20.0, {}, run="walker-run, seed 1, from scratch", seconds_left=48.0
    )
    PlainLines("demo", Clock()).update(status)
    assert capsys.readouterr().err == (
        "demo: walker-run, seed 1, from scratch · 30/1,000 steps · 20 steps/s · 7 updates · "
        "0:00:48 left\n"
    )


def test_deaths_and_lost_episodes_are_shown_where_there_are_any(capsys):
    lines = PlainLines("demo", Clock())
    lines.update(RunStatus(30, 1000, 7, 20.0, {}, deaths=3, lost_episodes=1205, seconds_left=48.0))
    assert capsys.readouterr().err == (
        "demo: 30/1,000 steps · 20 steps/s · 7 updates · 3 deaths, 1,205 episodes lost · "
        "0:00:48 left\n"
    )


def test_the_stages_are_shown_where_they_are_known(capsys):
    stages: dict[Stage, float] = {"planning": 0.625, "simulation": 0.5, "learning": 0.3}
    PlainLines("demo", Clock()).update(RunStatus(30, 1000, 7, 20.0, {"d": 0.25}, stages=stages))
    assert capsys.readouterr().err == (
        "demo: 30/1,000 steps · 20 steps/s · 7 updates · d 0.250 · "
        "62% planning, 50% simulation, 30% learning\n"
    )


@pytest.mark.parametrize(
    ("speed", "line"),
    [
        (10.0, "5/2,000 updates · 10 updates/s · 0:03:20 left"),
        (9.96, "5/2,000 updates · 10.0 updates/s · 0:03:20 left"),
        (0.25, "5/2,000 updates · 0.2 updates/s · 2:13:00 left"),
        (0.0, "5/2,000 updates"),
    ],
)
def test_a_pretraining_counts_its_updates_once(capsys, speed, line):
    left = 1995 / speed if speed else None  # as long as it is not known, it is left out
    status = RunStatus(5, 2000, 5, speed, {}, counts="updates", seconds_left=left)
    PlainLines("demo", Clock()).update(status)
    assert capsys.readouterr().err == f"demo: {line}\n"


def test_an_evaluation_goes_on_visibly_also_at_the_end(capsys):
    clock = Clock()
    lines = PlainLines("demo", clock)
    report(lines, 1000)
    for clock.now in range(0, 70, 10):
        done = 100 * int(clock.now)
        report(lines, 1000, evaluating=Evaluating(done, 10_000, 0.1 * (10_000 - done)))
    report(lines, 1000)
    end = "demo: 1,000/1,000 steps · 20 steps/s · 7 updates"
    assert capsys.readouterr().err.splitlines() == [
        f"{end} · dmcontrol 0.250",
        f"{end} · 0:00:00 left · dmcontrol 0.250 · evaluation 3,000/10,000 steps · 0:11:40 left",
        f"{end} · 0:00:00 left · dmcontrol 0.250 · evaluation 6,000/10,000 steps · 0:06:40 left",
    ]


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


def last_lines(screen: Terminal, count: int) -> list[str]:
    """Return what a screen shows at its end, without colours, bars and padding."""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[━╸╺]", "", screen.getvalue().replace("\r", "\n"))
    return [" ".join(line.split()) for line in plain.splitlines() if line.strip()][-count:]


def test_on_a_terminal_a_panel_shows_the_same_numbers(monkeypatch):
    screen = open_terminal(monkeypatch)
    with training_display("demo") as display:
        assert isinstance(display, LivePanel)
        report(display, 500, "evaluated [bold]")
        task = display._bar.tasks[0]
        assert (task.completed, task.total) == (500, 1000)
    assert "evaluated [bold]" in screen.getvalue()
    assert last_lines(screen, 2) == [
        "demo 500/1,000 steps · 20 steps/s · 7 updates · 0:00:25 left",
        "dmcontrol 0.250",
    ]


def test_the_panel_has_a_bar_for_an_evaluation_while_there_is_one(monkeypatch):
    screen = open_terminal(monkeypatch)
    with training_display("demo") as display:
        assert isinstance(display, LivePanel)
        assert display._live is not None
        report(display, 0, evaluating=Evaluating(250, 1_000, 30.0))
        display._live.refresh()
        assert any(
            "evaluation 250/1,000 steps · 0:00:30 left" in line for line in last_lines(screen, 3)
        )
        assert display._bar.tasks[1].completed == 250
        report(display, 500)
    assert not any("evaluation" in line for line in last_lines(screen, 2))


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
    assert " a second, 0:00:00 left" in shown
    assert "left" in shown


def test_without_a_terminal_the_work_on_tasks_is_told_line_by_line(capsys):
    clock = Clock()
    clock.now = 100.0
    tell = _TaskLines("frames", clock)
    for now, task, told in (
        (104, "walker-run", 100),
        (100 + SECONDS_BETWEEN_LINES, "walker-run", 250),
        (101 + SECONDS_BETWEEN_LINES, "walker-run", 300),
        (140, "walker-run", 500),
        (160, "walker-walk", 100),  # begun when the one before had ended, 20 seconds ago
        (161, "walker-walk", 101),
    ):
        clock.now = now
        tell(task, told, 500)
    assert capsys.readouterr().err.splitlines() == [
        "walker-run: 250/500 frames, 8.3 a second, 0:00:30 left",
        "walker-walk: 100/500 frames, 5.0 a second, 0:01:20 left",
    ]


def test_without_a_terminal_a_download_is_told_line_by_line(capsys):
    clock = Clock()
    clock.now = 1000.0
    known, unknown = _megabyte_lines("clip", clock), _megabyte_lines("ycb", clock)
    for now in (1001, 1030, 1059, 1060):
        clock.now = now
        done = (now - 1000) * 2_500_000
        known(done, 600_000_000)
        unknown(done, None)
    assert capsys.readouterr().err.splitlines() == [
        "clip: 75 of 600 MB · 2.5 MB/s · 0:03:30 left",
        "ycb: 75 MB · 2.5 MB/s",
        "clip: 150 of 600 MB · 2.5 MB/s · 0:03:00 left",
        "ycb: 150 MB · 2.5 MB/s",
    ]
    with download_display("dino") as tell:
        tell(1, 2)  # half a minute has not passed
    assert capsys.readouterr().err == ""


def test_on_a_terminal_a_download_is_a_bar_of_bytes(monkeypatch):
    screen = open_terminal(monkeypatch)
    with download_display("clip") as tell:
        tell(75_000_000, 600_000_000)
    (line,) = last_lines(screen, 1)
    assert line.startswith("clip 75.0/600.0 MB")


def test_on_a_terminal_each_task_has_a_bar_with_rate_and_time_left(monkeypatch):
    screen = open_terminal(monkeypatch)
    with task_display("frames") as on_progress:
        on_progress("walker-run", 5, 500)
        on_progress("walker-walk", 6, 500)
        on_progress("walker-walk", 7, 500)
    shown = last_lines(screen, 2)
    assert [line.partition(",")[0] for line in shown] == [
        "walker-run 5/500 frames",
        "walker-walk 7/500 frames",
    ]
    assert all(re.search(r", [\d,.]+ a second, \d+:\d\d:\d\d left$", line) for line in shown)


@pytest.mark.parametrize(
    ("steps", "speed", "text"),
    [(0, 10.0, "0:01:40"), (1000, 10.0, "0:00:00"), (0, 0.1, "2:46:40"), (0, 0.0, "?")],
)
def test_remaining_time(steps, speed, text):
    assert remaining_time(steps, 1000, speed) == text
