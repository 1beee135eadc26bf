"""The built-in ManiSkill specs: complete, and as the benchmark lists them."""

from __future__ import annotations

import re

import pytest

from newt_core.envs.assets import ASSETS
from newt_core.specs import TaskSpec, load_specs

LIBRARY = load_specs()
TASKS = [task for task in LIBRARY.values() if task.domain == "maniskill"]
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""

PICK_YCB, PUSH_YCB = (45, 7, 25), (35, 7, 25)
SIZES = {
    # task: observation, action, episode length
    "ms-ant-walk": (114, 8, 500),
    "ms-ant-run": (114, 8, 500),
    "ms-cartpole-balance": (10, 1, 500),
    "ms-cartpole-swingup": (10, 1, 500),
    "ms-cartpole-balance-sparse": (10, 1, 500),
    "ms-cartpole-swingup-sparse": (10, 1, 500),
    "ms-hopper-stand": (15, 4, 250),
    "ms-hopper-hop": (15, 4, 250),
    "ms-anymal-reach": (35, 12, 100),
    "ms-pick-cube": (42, 4, 25),
    "ms-pick-cube-eepose": (42, 7, 25),
    "ms-pick-cube-so": (36, 6, 25),
    "ms-pick-cube-xarm6": (48, 4, 25),
    "ms-poke-cube": (54, 7, 25),
    "ms-push-cube": (35, 7, 25),
    "ms-pull-cube": (35, 7, 25),
    "ms-pull-cube-tool": (39, 7, 50),
    "ms-stack-cube": (48, 7, 25),
    "ms-place-sphere": (39, 4, 25),
    "ms-lift-peg": (32, 7, 25),
    "ms-reach": (31, 4, 25),
    "ms-reach-eepose": (31, 7, 25),
    "ms-reach-xarm6": (37, 4, 25),
    "ms-pick-apple": PICK_YCB,
    "ms-pick-banana": PICK_YCB,
    "ms-pick-can": PICK_YCB,
    "ms-pick-hammer": PICK_YCB,
    "ms-pick-fork": PICK_YCB,
    "ms-pick-knife": PICK_YCB,
    "ms-pick-mug": PICK_YCB,
    "ms-pick-orange": PICK_YCB,
    "ms-pick-screwdriver": PICK_YCB,
    "ms-pick-spoon": PICK_YCB,
    "ms-pick-tennis-ball": PICK_YCB,
    "ms-pick-baseball": PICK_YCB,
    "ms-pick-sponge": PICK_YCB,
}
HELD_OUT = {
    "ms-pick-rubiks-cube": PICK_YCB,
    "ms-pick-cup": PICK_YCB,
    "ms-pick-golf-ball": PICK_YCB,
    "ms-pick-soccer-ball": PICK_YCB,
    "ms-push-apple": PUSH_YCB,
    "ms-push-pear": PUSH_YCB,
    "ms-push-rubiks-cube": PUSH_YCB,
    "ms-push-can": PUSH_YCB,
    "ms-push-sponge": PUSH_YCB,
    "ms-push-banana": PUSH_YCB,
}
RETURNS = {"ant": 1000.0, "cartpole": 1000.0, "hopper": 600.0}
"""Kind of body → the return that scores 1; all others score by success."""


def _kind(task: TaskSpec) -> str:
    return task.id.split("-")[1]


def test_36_training_tasks_and_10_held_out_ones_with_their_sizes() -> None:
    sizes = {task.id: (task.obs_dim, task.action_dim, task.episode_length) for task in TASKS}
    assert sizes == SIZES | HELD_OUT
    assert (len(SIZES), len(HELD_OUT)) == (36, 10)
    assert {task.id for task in TASKS if task.split == "transfer"} == set(HELD_OUT)
    assert {task.id for task in LIBRARY.select("maniskill")} == set(SIZES)
    assert len({task.text for task in LIBRARY.values()}) == len(LIBRARY)


def test_one_body_and_control_reads_the_same_in_all_its_tasks() -> None:
    texts: dict[str, set[str]] = {}
    for task in TASKS:
        body = _kind(task)
        if body not in (*RETURNS, "anymal"):
            arm = next((arm for arm in ("xarm6", "so") if task.id.endswith(f"-{arm}")), "panda")
            body = arm + task.env["control_mode"]
        texts.setdefault(body, set()).add(task.embodiment)
    assert all(len(found) == 1 for found in texts.values())
    assert len({text for found in texts.values() for text in found}) == len(texts) == 8


def test_what_has_to_be_downloaded() -> None:
    wanted = {task.id: task.assets for task in TASKS if task.assets}
    ycb = [*HELD_OUT, *(name for name, sizes in SIZES.items() if sizes == PICK_YCB)]
    expected = {name: ["ycb"] for name in ycb}
    expected |= {"ms-pick-cube-xarm6": ["xarm6"], "ms-reach-xarm6": ["xarm6"]}
    expected |= {"ms-anymal-reach": ["anymal_c"]}
    assert wanted == expected
    assert set(ASSETS) == {name for names in wanted.values() for name in names}
    models = {task.id: task.env.get("model") for task in TASKS}
    assert {name for name, model in models.items() if model} == set(ycb)
    assert models["ms-pick-cup"] == "065-a_cups"
    assert models["ms-push-can"] == models["ms-pick-can"] == "005_tomato_soup_can"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    kind = _kind(task)
    assert task.action_repeat == 2
    sparse = kind == "hopper" or task.id.endswith("sparse")
    assert task.reward == ("sparse" if sparse else "dense")
    # A fifth of the episode is the horizon, with 0.95 at least; but hoppers have their own.
    assert task.gamma == pytest.approx(0.99 if kind in RETURNS else 0.95)
    assert (task.discount is not None) == (kind == "hopper")
    if kind in RETURNS:
        high = RETURNS[kind]
        assert [task.score.score(value, 0.0) for value in (0, high / 2, 2 * high)] == [0, 0.5, 2]
    else:
        assert [task.score.score(700.0, success) for success in (0.0, 1.0)] == [0.0, 1.0]
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.embodiment.endswith(".")
    assert task.instruction.endswith(".")
