"""`newt render`."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from newt_core.errors import MissingDependencyError


def test_a_gallery_shows_the_tasks_and_names_those_it_leaves_out(newt, core):
    def picture(spec, seed, **others):
        assert seed == 3
        if spec.id == "finger-turn-hard":
            raise MissingDependencyError("needs a driver")
        return np.full((224, 224, 3), 90, np.uint8)

    core.replace("picture", picture)
    answer = newt("newt render --gallery out/tasks.png --tasks 'finger-*' --seed 3 --json")
    assert answer.code == 0
    assert answer.json["tasks"] == ["finger-spin", "finger-turn-easy"]
    assert answer.json["skipped"] == {"finger-turn-hard": "needs a driver"}
    assert "left out finger-turn-hard: needs a driver" in answer.err
    assert (imageio.imread("out/tasks.png") == 90).any()


def test_a_gallery_is_a_png_or_a_jpeg(newt, core):
    assert newt("newt render --gallery tasks.jpg --tasks walker-run").code == 0
    assert imageio.improps("tasks.jpg").shape[2] == 3
    wrong = newt("newt render --gallery tasks.mp4 --tasks walker-run")
    assert wrong.code == 2
    assert "'tasks.mp4' must end in .png or .jpg" in wrong.err


def test_a_gallery_of_nothing_says_why_and_writes_no_file(newt, core, tmp_path):
    def picture(**arguments):
        raise MissingDependencyError("needs a driver")

    core.replace("picture", picture)
    answer = newt("newt render --gallery tasks.png --tasks walker-run")
    assert answer.code == 2
    assert answer.err.splitlines()[-1] == "error: needs a driver"
    assert not list(tmp_path.glob("**/*.png"))


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
def test_a_video_needs_neither_file_nor_checkpoint(newt, core, line, meant):
    answer = newt(f"newt render {line}")
    assert answer.code == 0, answer.err
    arguments = core.arguments("film_checkpoint")
    assert tuple(arguments[name] for name in ("checkpoint", "tasks", "path")) == meant


def test_json_is_one_video_or_a_list_of_them(newt, core):
    one = newt("newt render last.pt --task walker-run --video a.mp4 --fps 50 --json")
    assert one.json == {"path": "a.mp4", "frames": 501, "fps": 50.0}
    assert core.arguments("film_checkpoint")["fps"] == 50.0
    several = newt("newt render --video --policy-only --episodes 2 --json")
    assert [video["path"] for video in several.json] == [
        "runs/a/videos/walker-run.mp4",
        "runs/a/videos/walker-walk.mp4",
    ]
    assert "left out mw-reach: needs a driver" in several.err
    arguments = core.arguments("film_checkpoint")
    assert (arguments["policy_only"], arguments["episodes"]) == (True, 2)


@pytest.mark.parametrize("line", ["", "--gallery a.png --video", "last.pt --gallery a.png"])
def test_what_to_draw_has_to_be_clear(newt, core, line):
    answer = newt(f"newt render {line}")
    assert answer.code == 2
    assert not core.calls


@pytest.mark.parametrize(
    "option",
    ["--episodes 1", "--policy-only", "--fps 20", "--grid", "--bare", "--device cpu",
     "--image-weights d.pt", "--runs-dir elsewhere"],
)  # fmt: skip
def test_a_gallery_refuses_what_is_for_videos(newt, core, option):
    answer = newt(f"newt render --gallery a.png --tasks walker-run {option}")
    assert answer.code == 2
    assert f"leave {option.split()[0]} out" in answer.err
    assert not core.calls


def test_without_runs_there_is_nobody_to_film(newt):
    answer = newt("newt render --video")
    assert answer.code == 2
    assert answer.err == "error: there is no run in runs/ yet. 'newt train' starts one.\n"
    wrong = newt("newt render last.pt --video walk.avi")
    assert wrong.err == "error: 'walk.avi' must end in .mp4 or .gif.\n"
