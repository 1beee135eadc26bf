"""`newt play`."""

from __future__ import annotations

import pytest


def test_it_says_how_the_episodes_went(newt, core):
    answer = newt("newt play pygame-cowboy")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "episode 1: score 0.62, return 312.0",
        "episode 2: score 0.01, return 7.0 after 7 of 500 steps",
    ]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("walker-run", "'walker-run' is a task of dmcontrol: only the games of MiniArcade"),
        ("pygame-cowboi", "Did you mean 'pygame-cowboy'?"),
        ("pygame-cowboy", "cannot open a window: neither DISPLAY nor WAYLAND_DISPLAY is set"),
    ],
)
def test_mistakes_are_one_line(newt, monkeypatch, task, message):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    answer = newt(f"newt play {task}")
    assert answer.code == 2
    assert not answer.out
    (line,) = answer.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
