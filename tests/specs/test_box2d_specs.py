"""The built-in Box2D specs: complete, and as the benchmark has them."""

from __future__ import annotations

import math
import re

import pytest

from newt_core.specs import TaskSpec, load_specs

TASKS = load_specs().select("box2d")
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""

SIZES = {
    "bipedal-walker-flat": (24, 4),
    "bipedal-walker-uneven": (24, 4),
    "bipedal-walker-rugged": (24, 4),
    "bipedal-walker-hills": (24, 4),
    "bipedal-walker-obstacles": (24, 4),
    "lunarlander-land": (8, 2),
    "lunarlander-hover": (10, 2),
    "lunarlander-takeoff": (10, 2),
}
"""Observation and action, from the benchmark's list."""


def test_the_8_tasks_are_there() -> None:
    assert {task.id: (task.obs_dim, task.action_dim) for task in TASKS} == SIZES
    assert len({task.text for task in TASKS}) == 8


def test_one_body_reads_the_same_in_all_its_tasks() -> None:
    bodies = {(task.env["body"], task.embodiment) for task in TASKS}
    assert sorted(body for body, _ in bodies) == ["lander", "walker"]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    assert (task.episode_length, task.action_repeat, task.split) == (250, 2, "train")
    assert task.discount == task.gamma == 0.99
    assert task.reward == "dense"
    assert task.assets == []
    full = 250.0 if task.env["body"] == "walker" else 500.0
    scores = [task.score.score(part * full, math.nan) for part in (-1.0, 0.5, 2.0)]
    assert scores == [0.0, 0.5, 1.0]
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.embodiment.endswith(".")
    assert task.instruction.endswith(".")
