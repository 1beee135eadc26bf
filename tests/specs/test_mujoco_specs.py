"""The built-in MuJoCo specs: complete, and as the benchmark states them."""

from __future__ import annotations

import math
import re

import pytest

from newt_core.specs import TaskSpec, load_specs

TASKS = load_specs().select("mujoco")
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""

BENCHMARK = {
    # id: (env, obs_dim, action_dim, episode_length, action_repeat, gamma, reward, low, high)
    "mujoco-ant": ("Ant-v4", 27, 8, 500, 2, 0.99, "dense", 0, 5000),
    "mujoco-halfcheetah": ("HalfCheetah-v4", 17, 6, 1000, 1, 0.99, "dense", 0, 15000),
    "mujoco-hopper": ("Hopper-v4", 11, 3, 500, 2, 0.99, "dense", 0, 5000),
    "mujoco-inverted-pendulum": ("InvertedPendulum-v4", 4, 1, 500, 2, 0.99, "sparse", 0, 1000),
    "mujoco-reacher": ("Reacher-v4", 11, 2, 50, 1, 0.95, "dense", -50, 0),
    "mujoco-walker": ("Walker2d-v4", 17, 6, 500, 2, 0.99, "dense", 0, 5000),
}
"""The benchmark's table of tasks."""


def test_the_6_tasks_are_there() -> None:
    assert {task.id for task in TASKS} == set(BENCHMARK)
    assert len({task.text for task in TASKS}) == len(TASKS) == 6
    # Six bodies, one task each.
    assert len({task.embodiment for task in TASKS}) == 6


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    name, obs_dim, action_dim, length, repeat, gamma, reward, low, high = BENCHMARK[task.id]
    assert task.env == {"id": name}
    assert (task.obs_dim, task.action_dim) == (obs_dim, action_dim)
    assert (task.episode_length, task.action_repeat) == (length, repeat)
    assert task.gamma == pytest.approx(gamma)
    assert (task.reward, task.split, task.assets) == (reward, "train", [])
    middle = (low + high) / 2
    for achieved, score in ((low - 1, 0.0), (low, 0.0), (middle, 0.5), (high, 1), (high + 9, 1)):
        assert task.score.score(achieved, math.nan) == score
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.embodiment.endswith(".")
    assert task.instruction.endswith(".")
