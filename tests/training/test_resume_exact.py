"""A run that was interrupted ends like one that was not: bit for bit, whatever the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from newt_core.agents.fasttd3 import networks
from newt_core.training import online
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.metrics import Row, read_metrics
from newt_core.training.overlap import Overlap
from newt_core.training.stage_clock import NAMES
from tests.fixtures.point_pool import PointPool, point_task
from tests.fixtures.trainers import TASKS, PointRun, differences, point_config

TIMED = ("wall_time", "steps_per_s", "eval/seconds", *(f"time/{name}" for name in NAMES))
"""Metrics that depend on the clock."""


@pytest.fixture(autouse=True)
def tiny_runs(tiny_networks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of a few rows, and no rows of metrics by the clock."""
    monkeypatch.setattr(networks, "ACTOR_WIDTHS", (8,))
    monkeypatch.setattr(networks, "CRITIC_WIDTHS", (8,))
    monkeypatch.setattr(online, "LOG_SECONDS", 1e9)


def stop_at(call: int) -> Callable[[], bool]:
    calls = count()
    return lambda: next(calls) >= call


def rows(folder: Path) -> dict[int, Row]:
    """The metrics that do not depend on the clock, by step."""
    return {
        int(row["step"] or 0): {name: v for name, v in row.items() if name not in TIMED}
        for row in read_metrics(folder / "metrics.jsonl")
    }


def state_of(folder: Path) -> dict[str, Any]:
    return load_checkpoint(folder / "checkpoints/last.pt")


PPO = {"agent__kind": "ppo", "agent__options": "{width: 8, rollout: 7, minibatches: 3, epochs: 4}"}
FASTTD3 = {
    "agent__kind": "fasttd3",
    "agent__options": "{batch_size: 6, learning_starts: 3, ring: 40, n_step: 3}",
}
SMALL_RING = {**FASTTD3, "agent__options": "{batch_size: 8, ring: 9, n_step: 4}"}
BRC = {
    "agent__kind": "brc",
    "agent__options": "{critic_width: 8, actor_width: 8, batch_size: 6, learning_starts: 3,"
    " ring: 9, n_step: 2, normalise_states: true}",
}
LOSING = partial(PointPool, lose=[(0, 1), (1, 4)])
CASES: dict[str, dict[str, Any]] = {
    "two tasks": {},
    "one task": {"tasks": TASKS[:1]},
    "two environments per task": {"config": point_config(envs_per_task=2)},
    "a burst of updates": {
        "config": point_config(update__catch_up="true", update__updates_per_step=1.0)
    },
    "waiting for a reward": {
        "config": point_config(random_phase__until_reward=4),
        "pool": lambda specs: PointPool(specs, reward=0.0),
    },
    "a lost episode": {"pool": LOSING},
    "a full replay buffer": {"config": point_config(replay__capacity=30)},
    "episodes longer than the run": {"tasks": [TASKS[0], point_task("long", 200)]},
    "groups of environments": {
        "config": point_config(envs_per_task=2),
        "overlap": Overlap(groups=3),
        "pool": LOSING,
    },
    "updates beside a round": {"overlap": Overlap(groups=2, updates=1), "pool": LOSING},
    "more updates than fit beside a round, after a burst": {
        "config": point_config(update__catch_up="true", update__updates_per_step=1.0),
        "overlap": Overlap(groups=2, updates=2, groups_beside=2),
    },
    "ppo": {"config": point_config(**PPO)},
    "fasttd3": {"config": point_config(**FASTTD3)},
    "fasttd3, full rings, a lost episode": {
        "config": point_config(**SMALL_RING, envs_per_task=2),
        "pool": LOSING,
    },
    "brc": {"config": point_config(**BRC)},
    "brc, a lost episode": {
        "config": point_config(**BRC, envs_per_task=2),
        "pool": LOSING,
    },
    "ppo, a lost episode": {
        "config": point_config(**PPO, envs_per_task=2),
        "pool": LOSING,
    },
}


@pytest.mark.parametrize("case", CASES)
def test_interrupted_twice_it_ends_with_the_same_bits(case: str, tmp_path: Path):
    expected, expected_rows = unbroken(case, tmp_path)
    parts = PointRun(tmp_path / "parts", **CASES[case])
    for calls in (4, 6):
        stopped, _ = parts.run(resume=parts.folder.exists(), should_stop=stop_at(calls))
        assert stopped.interrupted
    go_on(parts, expected, expected_rows)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_interrupted_at_any_moment_it_ends_with_the_same_bits(case: str, tmp_path: Path):
    interrupt(case, range(100), tmp_path)


def interrupt(case: str, moments: Iterable[int], tmp_path: Path) -> None:
    """Interrupt runs at some calls of should_stop, go on, and compare with an unbroken one."""
    expected, expected_rows = unbroken(case, tmp_path)
    for moment in moments:
        parts = PointRun(tmp_path / f"parts-{moment}", **CASES[case])
        stopped, _ = parts.run(should_stop=stop_at(moment))
        if not stopped.interrupted:  # It ended before that moment.
            assert moment > 14
            break
        go_on(parts, expected, expected_rows)


def unbroken(case: str, tmp_path: Path) -> tuple[dict[str, Any], dict[int, Row]]:
    """Return the state and the metrics at the end of a run that nothing interrupts."""
    whole = PointRun(tmp_path / "whole", **CASES[case])
    result, _ = whole.run()
    assert not result.interrupted
    state = state_of(whole.folder)
    assert state["agent"]["learner"]["updates"] > 0 or "long" in case
    return state, rows(whole.folder)


def go_on(parts: PointRun, expected: dict[str, Any], expected_rows: dict[int, Row]) -> None:
    """Go on with a run to its end, and compare."""
    finished, _ = parts.run(resume=True)
    assert not finished.interrupted
    where = parts.folder.name
    assert differences(expected, state_of(parts.folder)) == [], where
    found = rows(parts.folder)
    for step, row in expected_rows.items():
        assert row.items() <= found[step].items(), (where, step)


def test_interrupted_again_and_again(tmp_path: Path):
    whole = PointRun(tmp_path / "whole")
    whole.run()
    parts = PointRun(tmp_path / "parts")
    interrupted, runs = True, 0
    while interrupted:
        result, _ = parts.run(resume=runs > 0, should_stop=stop_at(3))
        interrupted, runs = result.interrupted, runs + 1
        assert runs < 60
    assert runs > 10
    assert differences(state_of(whole.folder), state_of(parts.folder)) == []


@pytest.mark.parametrize("options", [{}, PPO, FASTTD3, BRC], ids=["newt", "ppo", "fasttd3", "brc"])
def test_killed_after_a_checkpoint_it_ends_with_the_same_bits(tmp_path: Path, options):
    config = point_config(**options)
    whole = PointRun(tmp_path / "whole", config)
    whole.run()

    class Killed(Exception):
        pass

    for moment in (12, 17, 24, 30):
        parts = PointRun(tmp_path / f"parts-{moment}", config)
        calls = count()

        def kill(moment: int = moment, calls: count[int] = calls) -> bool:
            if next(calls) >= moment:
                raise Killed
            return False

        with pytest.raises(Killed):
            parts.run(should_stop=kill)
        parts.run(resume=True)
        assert differences(state_of(whole.folder), state_of(parts.folder)) == [], moment
        assert rows(parts.folder) == rows(whole.folder), moment


def test_all_that_is_saved_comes_back(tmp_path: Path):
    run = PointRun(tmp_path / "a")
    _, stopped = run.run(should_stop=stop_at(20))
    saved = stopped.state_dict()
    # A trainer that did other things in another folder has another state in every part ...
    settings = point_config(steps=44, seed=9, random_phase__episodes=2)
    other = PointRun(tmp_path / "b", config=settings)
    _, fresh = other.run()
    for name in stopped.parts:
        assert differences(saved[name], fresh.state_dict()[name]), name
    # ... until it is given this one. Open episodes come back when they are begun again.
    state = state_of(run.folder)
    other.online.clear()
    for name, part in fresh.parts.items():
        if name != "replay":  # its rows are in the first one's folder
            part.load_state_dict(state[name])
    fresh.collector.begin()
    again = fresh.state_dict()
    for name in stopped.parts:
        if name != "replay":
            assert differences(saved[name], again[name]) == [], name
    assert differences(saved["random_phase"], again["random_phase"]) == []
