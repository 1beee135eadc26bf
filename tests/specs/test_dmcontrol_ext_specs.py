"""The built-in specs of DMControl Extended: complete, and as the benchmark lists them."""

from __future__ import annotations

import re

import pytest

from newt_core.specs import TaskSpec, load_specs

LIBRARY = load_specs()
TASKS = [spec for spec in LIBRARY.values() if spec.domain == "dmcontrol-ext"]
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""

TRAIN = {
    # task: observation, action
    "walker-walk-backward": (24, 6),
    "walker-run-backward": (24, 6),
    "cheetah-run-backward": (17, 6),
    "cheetah-run-front": (17, 6),
    "cheetah-run-back": (17, 6),
    "cheetah-jump": (17, 6),
    "hopper-hop-backward": (15, 4),
    "reacher-three-easy": (8, 3),
    "reacher-three-hard": (8, 3),
    "cup-spin": (8, 2),
    "pendulum-spin": (3, 1),
    "jumper-jump": (9, 2),
    "spinner-spin": (15, 5),
    "spinner-spin-backward": (15, 5),
    "spinner-jump": (15, 5),
    "giraffe-run": (19, 7),
}
TRANSFER = {
    "spinner-spin-four": (13, 4),
    "spinner-jump-four": (13, 4),
    "walker-walk-incline": (24, 6),
    "walker-arabesque": (24, 6),
    "walker-headstand": (24, 6),
}
SPARSE = {"hopper-hop-backward", "reacher-three-easy", "reacher-three-hard"}


def test_the_21_tasks_are_there_with_their_sizes() -> None:
    assert {t.id: (t.obs_dim, t.action_dim) for t in TASKS} == TRAIN | TRANSFER
    assert [task.id for task in LIBRARY.select("dmcontrol-ext")] == list(TRAIN)
    assert {task.id for task in TASKS if task.split == "transfer"} == set(TRANSFER)
    assert {task.id for task in TASKS if task.reward == "sparse"} == SPARSE


def test_texts_differ_from_each_other_and_from_the_suites() -> None:
    texts = [task.text for task in TASKS] + [task.text for task in LIBRARY.select("dmcontrol")]
    assert len(set(texts)) == len(texts) == 42


def test_one_body_reads_the_same_in_all_its_tasks_here_and_in_the_suite() -> None:
    bodies: dict[str, set[str]] = {}
    for task in [*TASKS, *LIBRARY.select("dmcontrol")]:
        four_limbs = task.env["task_name"].endswith("four")
        three_links = task.env["task_name"].startswith("three")
        body = task.env["domain_name"] + "-four" * four_limbs + "-three" * three_links
        bodies.setdefault(body, set()).add(task.embodiment)
    assert all(len(texts) == 1 for texts in bodies.values())
    # The suite's eleven, a reacher of three links, jumper, giraffe and two spinners.
    assert len({text for texts in bodies.values() for text in texts}) == len(bodies) == 16


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    assert (task.episode_length, task.action_repeat, task.camera) == (500, 2, 0)
    assert task.gamma == pytest.approx(0.99)
    assert task.score.score(500.0, float("nan")) == 0.5
    assert task.score.score(1100.0, float("nan")) == pytest.approx(1.1)  # not clipped
    assert task.assets == []
    name = f"{task.env['domain_name']}-{task.env['task_name']}".replace("_", "-")
    assert task.id == name.replace("ball-in-cup", "cup")
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.embodiment.endswith(".")
    assert task.instruction.endswith(".")
