"""The built-in RoboDesk specs: complete, and true to the benchmark."""

from __future__ import annotations

import re

import pytest

from newt_core.specs import TaskSpec, load_specs

TASKS = load_specs().select("robodesk")
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""


def test_the_six_tasks_are_there_and_have_one_body() -> None:
    assert [task.id for task in TASKS] == [
        "rd-push-red",
        "rd-push-green",
        "rd-push-blue",
        "rd-open-slide",
        "rd-open-drawer",
        "rd-flat-block-in-bin",
    ]
    assert len({task.text for task in TASKS}) == 6
    assert len({task.embodiment for task in TASKS}) == 1


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    assert (task.obs_dim, task.action_dim) == (73, 5)
    assert (task.episode_length, task.action_repeat, task.split) == (100, 10, "train")
    assert (task.discount, task.reward) == (None, "dense")
    assert task.gamma == pytest.approx(0.95)
    assert task.env == {"task": task.id.removeprefix("rd-").replace("-", "_")}
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.instruction.endswith(".")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_score_is_success_at_the_last_step_whatever_the_return(task: TaskSpec) -> None:
    assert task.score.score(900.0, 0.0) == 0.0
    assert task.score.score(0.0, 1.0) == 1.0
