"""The MiniArcade specs: complete, and with the benchmark's sizes and scores."""

from __future__ import annotations

import re

import pytest

from newt_core.specs import TaskSpec, load_specs

TASKS = [spec for spec in load_specs().values() if spec.domain == "miniarcade"]
CLIP_TOKENS = 77 - 2
"""What CLIP reads of a text, without its start and end marks."""

CARTPOLE = (4, 1, 500, (0, 500))
SIZES: dict[str, tuple[int, int, int, tuple[float, float] | None]] = {
    "pygame-cartpole-balance": CARTPOLE,
    "pygame-cartpole-swingup": CARTPOLE,
    "pygame-cartpole-balance-sparse": CARTPOLE,
    "pygame-cartpole-swingup-sparse": CARTPOLE,
    "pygame-cartpole-tremor": CARTPOLE,
    "pygame-pong": (6, 1, 500, (-3, 3)),
    "pygame-reacher-easy": (6, 2, 200, (0, 200)),
    "pygame-reacher-hard": (6, 2, 200, (0, 200)),
    "pygame-point-maze-var1": (44, 2, 200, None),
    "pygame-point-maze-var2": (44, 2, 200, None),
    "pygame-point-maze-var3": (44, 2, 200, None),
    "pygame-point-maze-var4": (44, 2, 200, None),
    "pygame-landing": (7, 2, 200, (0, 200)),
    "pygame-spaceship": (14, 2, 500, (0, 60)),
    "pygame-coinrun": (12, 1, 500, (0, 50)),
    "pygame-cowboy": (3, 1, 500, (0, 500)),
    "pygame-coconut-dodge": (29, 1, 500, (-15, 0)),
    "pygame-air-hockey": (12, 2, 500, (0, 10)),
    "pygame-chase-evade": (15, 2, 500, (-50, 50)),
    "pygame-bird-attack": (55, 2, 500, (0, 16)),
    "pygame-highway": (24, 2, 500, (0, 10)),
    "pygame-rocket-collect": (21, 2, 500, (0, 25)),
}
"""Observation, action, episode length, and the returns that score 0 and 1 (None: success)."""
SPARSE = {
    "pygame-cartpole-balance-sparse",
    "pygame-cartpole-swingup-sparse",
    "pygame-pong",
    "pygame-reacher-easy",
    "pygame-reacher-hard",
    "pygame-spaceship",
    "pygame-coinrun",
    "pygame-coconut-dodge",
    "pygame-air-hockey",
    "pygame-bird-attack",
}
HELD_OUT = {
    "pygame-point-maze-var4",
    "pygame-reacher-easy",
    "pygame-reacher-hard",
}


def test_all_tasks_are_there_with_texts_of_their_own() -> None:
    assert {task.id for task in TASKS} == set(SIZES)
    assert len({task.text for task in TASKS}) == len(SIZES)


def test_one_body_reads_the_same_in_all_its_tasks() -> None:
    bodies: dict[str, set[str]] = {}
    for task in TASKS:
        bodies.setdefault(task.env["game"], set()).add(task.embodiment)
    assert all(len(texts) == 1 for texts in bodies.values())
    assert len({text for texts in bodies.values() for text in texts}) == len(bodies)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_contract(task: TaskSpec) -> None:
    obs_dim, action_dim, length, bounds = SIZES[task.id]
    assert (task.obs_dim, task.action_dim, task.episode_length) == (obs_dim, action_dim, length)
    assert task.action_repeat == 1
    assert task.gamma == pytest.approx({200: 0.975, 500: 0.99}[length])
    assert task.split == ("transfer" if task.id in HELD_OUT else "train")
    assert task.reward == ("sparse" if task.id in SPARSE else "dense")
    if bounds is None:
        assert task.score.score(1e6, 0.0) == 0.0
        assert task.score.score(-1e6, 1.0) == 1.0
    else:
        low, high = bounds
        assert task.score.score(low, 0.0) == 0.0
        assert task.score.score((low + high) / 2, 0.0) == pytest.approx(0.5)
        assert task.score.score(high, 0.0) == 1.0
        assert task.score.score(high + 1000.0, 0.0) == 1.0
        assert task.score.score(low - 1000.0, 0.0) == 0.0
    assert (task.camera, task.assets, task.discount) == (None, [], None)
    # Words and marks; CLIP cuts rare words in two, hence the margin.
    assert len(re.findall(r"\w+|[^\w\s]", task.text)) <= 0.85 * CLIP_TOKENS
    assert task.embodiment.endswith(".")
    assert task.instruction.endswith(".")
