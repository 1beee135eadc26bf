"""`newt render`."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from newt_core import filming
from newt_core.envs import gallery
from newt_core.errors import MissingDependencyError
from newt_core.evaluation.video import Video


def test_a_gallery_shows_the_tasks_and_names_those_it_leaves_out(newt, monkeypatch):
    def picture(spec, *, seed):
        assert seed == 3
        if spec.id == "finger-turn-hard":
            raise MissingDependencyError("needs a driver")
        return np.full((224, 224, 3), 90, np.uint8)

    monkeypatch.setattr(gallery, "picture", picture)
    answer = newt("newt render --gallery out/tasks.png --tasks 'finger-*' --seed 3 --json")
    assert answer.code == 0
    assert answer.json["tasks"] == ["finger-spin", "finger-turn-easy"]
    assert answer.json["skipped"] == {"finger-turn-hard": "needs a driver"}
    assert "left out finger-turn-hard: needs a driver" in answer.err
    assert (imageio.imread("out/tasks.png") == 90).any()


def test_a_gallery_is_a_png_or_a_jpeg(newt, monkeypatch):
    grey = np.full((224, 224, 3), 90, np.uint8)
    monkeypatch.setattr(gallery, "picture", lambda spec, *, seed: grey)
    assert newt("newt render --gallery tasks.jpg --tasks walker-run").code == 0
    assert imageio.improps("tasks.jpg").shape[2] == 3
    wrong = newt("newt render --gallery tasks.mp4 --tasks walker-run")
    assert wrong.code == 2
    assert "'tasks.mp4' must end in .png or .jpg" in wrong.err


def test_a_gallery_of_nothing_says_why_and_writes_no_file(newt, monkeypatch, tmp_path):
    def picture(spec, *, seed):
        raise MissingDependencyError("needs a driver")

    monkeypatch.setattr(gallery, "picture", picture)
    answer = newt("newt render --gallery tasks.png --tasks walker-run")
    assert answer.code == 2
    assert answer.err.splitlines()[-1] == "error: needs a driver"
    assert not list(tmp_path.glob("**/*.png"))


@pytest.fixture
def filmed(monkeypatch):
    """Stand in for the filming; return the arguments of each call."""
    calls = []

    def film_checkpoint(checkpoint, tasks, path, **options):
        calls.append((checkpoint, tasks, path, options))
        names = tasks.split(",") if tasks else ["walker-run", "walker-walk"]
        videos = [Video(path or Path(f"runs/a/videos/{name}.mp4"), 501, 50.0) for name in names]
        return filming.Filmed(videos, {"mw-reach": "needs a driver"} if not tasks else {})

    monkeypatch.setattr(filming, "film_checkpoint", film_checkpoint)
    return calls


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("--video", (None, None, None)),
        ("--video --tasks walker-run", (None, "walker-run", None)),
        ("last.pt --video --json", ("last.pt", None, None)),
        ("last.pt --task walker-run --video a.mp4", ("last.pt", "walker-run", Path("a.mp4"))),
        ("--video=a.gif --task walker-run last.pt", ("last.pt", "walker-run", Path("a.gif"))),
    ],
)
def test_a_video_needs_neither_file_nor_checkpoint(newt, filmed, line, meant):
    answer = newt(f"newt render {line}")
    assert answer.code == 0, answer.err
    assert filmed[0][:3] == meant


def test_json_is_one_video_or_a_list_of_them(newt, filmed):
    one = newt("newt render last.pt --task walker-run --video a.mp4 --fps 50 --json")
    assert one.json == {"path": "a.mp4", "frames": 501, "fps": 50.0}
    assert filmed[0][3]["fps"] == 50.0
    several = newt("newt render --video --policy-only --episodes 2 --json")
    assert [video["path"] for video in several.json] == [
        "runs/a/videos/walker-run.mp4",
        "runs/a/videos/walker-walk.mp4",
    ]
    assert "left out mw-reach: needs a driver" in several.err
    assert (filmed[1][3]["policy_only"], filmed[1][3]["episodes"]) == (True, 2)


@pytest.mark.parametrize("line", ["", "--gallery a.png --video", "last.pt --gallery a.png"])
def test_what_to_draw_has_to_be_clear(newt, filmed, line):
    answer = newt(f"newt render {line}")
    assert answer.code == 2
    assert not filmed


def test_without_runs_there_is_nobody_to_film(newt):
    answer = newt("newt render --video")
    assert answer.code == 2
    assert answer.err == "error: there is no run in runs/ yet. 'newt train' starts one.\n"
    wrong = newt("newt render last.pt --video walk.avi")
    assert wrong.err == "error: 'walk.avi' must end in .mp4 or .gif.\n"
