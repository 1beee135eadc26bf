"""`newt tasks`."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

import newt_core
from newt_cli.console import NO_VALUE
from newt_core.errors import MissingDependencyError

CONTRACT = {
    "id", "domain", "split", "instruction", "embodiment", "obs_dim", "action_dim",
    "episode_length", "action_repeat", "discount", "reward", "score", "assets",
}  # fmt: skip


def test_list_as_json_has_the_fields_of_the_contract(newt):
    answer = newt("newt tasks list walker-run,cartpole-balance --json")
    assert [task["id"] for task in answer.json] == ["walker-run", "cartpole-balance"]
    assert all(set(task) == CONTRACT for task in answer.json)
    assert answer.json[0]["discount"] == pytest.approx(0.99)  # (500/5 - 1) / (500/5)


def test_list_without_a_selector_lists_every_task(newt):
    listed = [task["id"] for task in newt("newt tasks list --json").json]
    assert {"walker-run", "cartpole-balance"} <= set(listed)
    assert len(set(listed)) == len(listed)


def test_list_of_a_split_without_tasks_is_empty(newt):
    assert newt("newt tasks list walker-run --split transfer --json").json == []


def test_list_of_experts_says_how_well_they_do(newt):
    listed = newt("newt tasks list pygame-pong,hopper-hop --experts --json").json
    assert all(set(task) == CONTRACT | {"expert"} for task in listed)
    expert, none = (task["expert"] for task in listed)
    assert none is None
    assert (expert["kind"], expert["player"]) == ("scripted", "pong")
    assert expert["episodes"] == 20
    assert expert["score"] > expert["random_score"]


def test_list_of_experts_as_a_table_marks_tasks_without_one(newt):
    answer = newt("newt tasks list pygame-pong,hopper-hop --experts")
    header, *rows = (line.split() for line in answer.out.splitlines())
    assert header[:3] == ["task", "domain", "expert"]
    assert [row[:4] for row in rows] == [
        ["pygame-pong", "miniarcade", "scripted", "20"],
        ["hopper-hop", "dmcontrol", NO_VALUE, NO_VALUE],
    ]
    assert [header[-1], *(row[-1] for row in rows)] == ["player", "pong", NO_VALUE]
    assert "1 of 2 tasks have a scripted expert" in answer.err


def test_show_gives_the_text_and_the_masks(newt):
    assert re.search(r"^assets +ycb$", newt("newt tasks show ms-pick-apple").out, re.MULTILINE)
    shown = newt("newt tasks show walker-run --json").json
    assert shown["text"].startswith("Embodiment: ")
    assert shown["action_mask"] == [1] * 6 + [0] * 10
    assert sum(shown["obs_mask"]) == shown["obs_dim"] == 24
    assert set(shown) > CONTRACT


@pytest.mark.parametrize("name", ["new/cowboy.png", "cowboy.jpg"])
def test_show_draws_the_first_frame_into_the_file_that_its_name_promises(newt, name):
    answer = newt(f"newt tasks show pygame-cowboy --render {name}")
    assert answer.code == 0, answer.err
    assert f"wrote {name}" in answer.err
    with Image.open(name) as image:
        assert image.format == {".png": "PNG", ".jpg": "JPEG"}[name[-4:]]
        frame = np.asarray(image)
    assert frame.shape == (224, 224, 3)
    assert frame.std() > 10
    if name.endswith(".png"):
        env = newt_core.make("pygame-cowboy", obs="rgb")
        np.testing.assert_array_equal(frame, env.reset(seed=0)[0])
        env.close()


def test_show_draws_into_nothing_else(newt, tmp_path):
    answer = newt("newt tasks show pygame-cowboy --render cowboy.txt")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "error: 'cowboy.txt' must end in .png or .jpg.\n"
    assert not list(tmp_path.iterdir())


def test_show_finds_tasks_in_a_users_folder(newt, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine.yaml").write_text(USER_TASK)
    assert newt("newt tasks show my-walk --specs mine --json").json["id"] == "my-walk"
    assert newt("newt tasks show my-walk").code == 2
    assert newt("newt tasks list --specs nowhere").code == 2


def test_check_sorts_tasks_by_outcome(newt, core):
    def check(spec, episodes, **others):
        assert episodes == 2
        print("a simulator's greeting")
        if spec.id == "walker-walk":
            raise MissingDependencyError("needs a package")
        if spec.id == "walker-run":
            raise RuntimeError("the simulator broke")

    core.replace("check_task", check)
    answer = newt("newt tasks check walker-stand,walker-walk,walker-run --episodes 2 --json")
    assert answer.code == 1
    assert answer.json == {
        "passed": ["walker-stand"],
        "failed": {"walker-run": "the simulator broke"},
        "skipped": {"walker-walk": "needs a package"},
    }
    assert newt("newt tasks check walker-stand,walker-walk --episodes 2").code == 0


def test_check_runs_a_real_task(newt):
    answer = newt("newt tasks check cartpole-balance --json")
    assert answer.code == 0, answer.err
    assert answer.json["passed"] == ["cartpole-balance"]


USER_TASK = """
domain: dmcontrol
tasks:
  - id: my-walk
    env: {domain_name: walker, task_name: walk}
    embodiment: A walker of mine.
    instruction: Walk.
    obs_dim: 24
    action_dim: 6
    episode_length: 100
    action_repeat: 2
    reward: dense
    score: {kind: return, low: 0, high: 200}
    camera: 0
"""
