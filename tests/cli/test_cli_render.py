"""`newt render`."""

from __future__ import annotations

import imageio.v3 as imageio
import numpy as np

from newt_core.envs import gallery
from newt_core.errors import MissingDependencyError


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
