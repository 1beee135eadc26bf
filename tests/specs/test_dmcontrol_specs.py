"""The built-in DMControl specs: complete, and true to the simulator."""

from __future__ import annotations

import re

import pytest

from newt_core.specs import TaskSpec, load_specs

TASKS = load_specs().select("dmcontrol")
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""


def test_the_21_tasks_are_there() -> None:
    assert len(TASKS) == 21
    assert len({task.text for task in TASKS}) == 21


def test_one_body_reads_the_same_in_all_its_tasks() -> None:
    bodies: dict[str, set[str]] = {}
    for task in TASKS:
        bodies.setdefault(task.env["domain_name"], set()).add(task.embodiment)
    assert all(len(texts) == 1 for texts in bodies.values())
    assert len({text for texts in bodies.values() for text in texts}) == len(bodies) == 11


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    assert (task.episode_length, task.action_repeat, task.split) == (500, 2, "train")
    assert task.gamma == pytest.approx(0.99)
    assert task.score.score(500.0, float("nan")) == 0.5
    assert task.assets == []
    name = f"{task.env['domain_name']}-{task.env['task_name']}".replace("_", "-")
    assert task.id == name.replace("ball-in-cup", "cup")
    assert task.camera == (2 if task.id.startswith("quadruped") else 0)
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.embodiment.endswith(".")
    assert task.instruction.endswith(".")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_sizes_are_the_simulators(task: TaskSpec) -> None:
    suite = pytest.importorskip("dm_control.suite")
    env = suite.load(**task.env)
    observation = env.reset().observation
    sizes = [getattr(value, "size", 1) for value in observation.values()]
    assert task.obs_dim == sum(sizes)
    assert task.action_dim == env.action_spec().shape[0]
    assert task.episode_length * task.action_repeat == round(env._step_limit)
