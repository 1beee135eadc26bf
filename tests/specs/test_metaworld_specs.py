"""The built-in Meta-World specs: complete, and as the benchmark states them."""

from __future__ import annotations

import re

import pytest

from newt_core.specs import TaskSpec, load_specs

TASKS = load_specs().select("metaworld")
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""
LEFT_OUT = "shelf-place-v3"
"""The one task of the library that the benchmark does not use."""


def test_the_librarys_tasks_are_there_but_for_one() -> None:
    from metaworld.env_dict import ALL_V3_ENVIRONMENTS

    assert len(TASKS) == 49
    assert {task.env["name"] for task in TASKS} == set(ALL_V3_ENVIRONMENTS) - {LEFT_OUT}


def test_there_is_one_body_and_no_two_tasks_read_the_same() -> None:
    assert len({task.embodiment for task in TASKS}) == 1
    assert len({task.instruction for task in TASKS}) == 49


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    assert task.env == {"name": task.id.removeprefix("mw-") + "-v3"}
    assert (task.obs_dim, task.action_dim) == (39, 4)
    assert (task.episode_length, task.action_repeat) == (100, 2)
    assert task.gamma == 0.95  # no discount of its own: the lower bound for so short an episode
    assert (task.reward, task.split, task.assets) == ("dense", "train", [])
    assert task.score.score(0.0, 1.0) == 1.0
    assert task.score.score(2000.0, 0.0) == 0.0
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.instruction.endswith(".")
    assert "reward" in task.instruction
