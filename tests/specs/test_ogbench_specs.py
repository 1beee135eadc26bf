"""The built-in OGBench specs: complete, and as the benchmark has them."""

from __future__ import annotations

import math
import re

import pytest

from newt_core.specs import TaskSpec, load_specs

TASKS = [task for task in load_specs().values() if task.domain == "ogbench"]
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""

SIZES = {"og-ant": (29, 8, 1000, 1), "og-antball": (42, 8, 200, 1)}
MAZES = ("arena", "maze", "bottleneck", "circle", "spiral")
SIZES |= {f"og-point-{name}": (9, 2, 100, 4) for name in (*MAZES, "var1", "var2")}
SIZES |= {f"og-ant-{name}": (36, 8, 200, 2) for name in MAZES}
"""Observation, action, episode length and action repeat, from the benchmark's list."""


def test_the_14_tasks_are_there() -> None:
    sizes = {
        task.id: (task.obs_dim, task.action_dim, task.episode_length, task.action_repeat)
        for task in TASKS
    }
    assert sizes == SIZES
    assert len({task.text for task in TASKS}) == 14
    held_out = [task.id for task in TASKS if task.split == "transfer"]
    assert held_out == ["og-point-var1", "og-point-var2"]


def test_one_body_reads_the_same_in_all_its_tasks() -> None:
    bodies = {(task.env.get("body", "ant"), task.embodiment) for task in TASKS}
    assert sorted(body for body, _ in bodies) == ["ant", "point"]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    assert task.reward == "dense"
    assert task.assets == []
    if task.id == "og-ant":
        scores = [task.score.score(value, 0.0) for value in (-1.0, 125.0, 300.0)]
        assert scores == [0.0, 0.5, 1.0]
    else:
        assert [task.score.score(math.pi, success) for success in (0.0, 1.0)] == [0.0, 1.0]
    # 0.99 for the ant; a fifth of the episode is the horizon of the others.
    expected = {1000: 0.99, 200: 0.975, 100: 0.95}[task.episode_length]
    assert task.gamma == pytest.approx(expected)
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.embodiment.endswith(".")
    assert task.instruction.endswith(".")
