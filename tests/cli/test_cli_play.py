"""`newt play`."""

from __future__ import annotations

import pytest

from newt_core.envs import play as playing
from newt_core.envs.play import Played


def test_it_says_how_the_episodes_went(newt, monkeypatch):
    calls = []

    def play(spec, **options):
        calls.append((spec.id, options))
        return [Played(500, 500, 312.0, 0.624), Played(7, 500, 7.0, 0.014)]

    monkeypatch.setattr(playing, "play", play)
    answer = newt("newt play pygame-cowboy --seed 4 --fps 20 --size 448")
    assert calls == [("pygame-cowboy", {"seed": 4, "fps": 20, "size": 448})]
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
