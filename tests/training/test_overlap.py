"""Simulating, planning and learning at the same time: what comes of it, and by what weights."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import numpy as np
import pytest
import torch

from newt_core.agents.base import Metrics, OverlappingAgent, Skipped
from newt_core.agents.newt.actor import Actor
from newt_core.agents.newt.update import Learner
from newt_core.training import online
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.collector import Collector
from newt_core.training.learning_thread import Taken
from newt_core.training.loop import Loop
from newt_core.training.metrics import NoMetrics, read_metrics
from newt_core.training.overlap import LOCK_STEP, Overlap
from newt_core.training.stage_clock import StageClock, in_words
from newt_core.types import ACTION_DIM, FloatArray, Observation
from tests.fixtures.point_pool import PointPool, point_task
from tests.fixtures.trainers import PointRun, differences, point_config

CONFIG = point_config(
    steps=40, envs_per_task=2, evaluation__every=0, checkpoint__every=100, update__catch_up="true"
)
FULL = Overlap(groups=2, updates=1, groups_beside=2)
"""One update is owed for each round of four environments."""


@pytest.fixture(autouse=True)
def tiny_runs(tiny_networks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "LOG_SECONDS", 1e9)


def ended(folder: Path, overlap: Overlap) -> dict[str, Any]:
    """The checkpoint at the end of a run."""
    PointRun(folder, CONFIG, overlap=overlap).run()
    return load_checkpoint(folder / "checkpoints/last.pt")


def test_in_lock_step_a_run_is_what_its_parts_do_one_after_the_other(tmp_path: Path):
    whole = ended(tmp_path / "a", LOCK_STEP)
    by_hand = PointRun(tmp_path / "b", CONFIG).trainer(NoMetrics())
    agent, collector, steps = by_hand.agent, by_hand.collector, 0
    agent.begin()
    collector.begin()
    while steps < CONFIG.steps:
        transitions, episodes = collector.step(agent.act(collector.observation, steps))
        agent.observe(transitions, episodes)
        steps += len(transitions.env_ids)
        for _ in agent.learn(steps):
            pass
    assert agent.updates == 10
    for name, part in agent.parts.items():
        if name != "replay":  # Its state has times of files.
            assert differences(whole[name], part.state_dict()) == [], name


def test_a_group_is_under_way_while_the_next_one_is_planned_for(tmp_path, monkeypatch):
    happened: list[tuple[str, list[int]]] = []
    act, send, recv = Actor.__call__, PointPool.send, PointPool.recv

    def acted(self: Actor, seen: Observation) -> FloatArray:
        happened.append(("plan", seen.env_ids.tolist()))
        return act(self, seen)

    def sent(self: PointPool, actions: Any, env_ids: Any) -> None:
        happened.append(("send", np.asarray(env_ids).tolist()))
        send(self, actions, env_ids)

    def received(self: PointPool, min_envs: int = 1) -> Any:
        happened.append(("receive", list(range(min_envs))))
        return recv(self, min_envs)

    monkeypatch.setattr(Actor, "__call__", acted)
    monkeypatch.setattr(PointPool, "send", sent)
    monkeypatch.setattr(PointPool, "recv", received)
    PointRun(tmp_path / "a", CONFIG, overlap=Overlap(groups=2)).run()
    one, other = [0, 2], [1, 3]
    assert happened[-5:] == [
        *(("plan", one), ("send", one), ("plan", other), ("send", other)),
        ("receive", [0, 1, 2, 3]),
    ]


class AtOnce:
    """In the place of the thread that learns: takes all updates before any action is chosen."""

    def __init__(self, device: torch.device, threads: int) -> None:
        self.updates: Iterator[Metrics] | None = None

    @property
    def at_work(self) -> bool:
        return self.updates is not None

    def begin(self, updates: Iterator[Metrics]) -> None:
        self.updates = iter(list(updates))

    def end(self) -> Taken:
        assert self.updates is not None
        taken, self.updates = list(self.updates), None
        return Taken(len(taken), taken[-1])

    def close(self) -> None: ...


class AtTheEnd(AtOnce):
    """Takes them when they are waited for."""

    def begin(self, updates: Iterator[Metrics]) -> None:
        self.updates = updates


@pytest.mark.parametrize("groups_beside", [1, 2])
def test_no_result_depends_on_whether_planning_or_learning_is_faster(
    tmp_path, monkeypatch, groups_beside
):
    overlap = Overlap(2, updates=1, groups_beside=groups_beside)
    side_by_side = ended(tmp_path / "thread", overlap)
    for number, learner in enumerate((AtOnce, AtTheEnd)):
        monkeypatch.setattr("newt_core.training.loop.LearningThread", learner)
        in_turn = ended(tmp_path / str(number), overlap)
        for part in ("agent", "actor", "collector", "random_phase", "batches", "counters"):
            assert differences(side_by_side[part], in_turn[part]) == [], (part, learner)
    lock_step = ended(tmp_path / "lock-step", LOCK_STEP)
    assert differences(lock_step["agent"], side_by_side["agent"])


def test_actions_lack_the_updates_beside_their_round_and_no_others(tmp_path, monkeypatch):
    """Eight random steps owe two updates; from then on, each round of four owes one."""
    moments: list[int] = []
    act = Actor.__call__

    def acted(self: Actor, seen: Observation) -> FloatArray:
        moments.append(self.agent.planning_snapshot().version)
        return act(self, seen)

    monkeypatch.setattr(Actor, "__call__", acted)
    config = CONFIG.model_copy(update={"steps": 48})
    run = PointRun(tmp_path / "a", config, overlap=Overlap(2, updates=1, groups_beside=1))
    _, trainer = run.run()
    # Of what is owed, one is taken beside the first group's actions; the second's know of it.
    begun = (config.steps - 4 * len(moments) // 2) // 4
    expected = [begun - 1 + number + second for number in range(12 - begun) for second in (0, 1)]
    assert moments == expected
    assert trainer.agent.updates == config.steps / 4, "none is missing at the end"
    newest = read_metrics(run.folder / "metrics.jsonl")[-1]
    assert newest["overlap/stale_updates"] == 1


class Broken(Exception):
    pass


def test_an_error_in_an_update_ends_the_run_and_the_thread(tmp_path, monkeypatch):
    main, taken = threading.current_thread(), []
    update = Learner.update

    def breaks(self: Learner, *arguments: Any, **named: Any) -> Any:
        taken.append(threading.current_thread())
        if taken[-1] is not main:
            raise Broken
        return update(self, *arguments, **named)

    monkeypatch.setattr(Learner, "update", breaks)
    with pytest.raises(Broken):
        ended(tmp_path / "a", FULL)
    assert taken[-1].name.startswith("learner")
    assert not taken[-1].is_alive()


def agent_of_one_round(happened: dict[str, int]) -> Any:
    """An agent that owes updates and notes how many threads its work has."""

    def updates(steps: int) -> Iterator[Metrics]:
        happened["learning"] = torch.get_num_threads()
        yield {"loss": torch.ones(())}

    def act(seen: Observation, steps: int) -> FloatArray:
        happened["planning"] = torch.get_num_threads()
        return np.zeros((len(seen.env_ids), ACTION_DIM), np.float32)

    agent = create_autospec(OverlappingAgent, instance=True)
    agent.skipped = Skipped.none(torch.device("cpu"))
    agent.due.return_value = 1
    agent.learn.side_effect, agent.act.side_effect = updates, act
    return agent


@pytest.mark.parametrize(("all_of_them", "halves"), [(1, (1, 1)), (2, (1, 1)), (5, (3, 2))])
def test_planning_and_learning_share_the_threads_of_the_process(all_of_them, halves):
    pool = PointPool([point_task("point", 6)])
    collector = Collector(pool, np.zeros(1, np.int64), seed=0)
    happened: dict[str, int] = {}
    collector.begin()
    before = torch.get_num_threads()
    loop = Loop(agent_of_one_round(happened), collector, FULL)
    try:
        torch.set_num_threads(all_of_them)
        loop.act(0)
        assert torch.get_num_threads() == all_of_them
    finally:
        torch.set_num_threads(before)
        loop.close()
    assert (happened["planning"], happened["learning"]) == halves
    assert (loop.beside.count, float(loop.beside.newest["loss"])) == (1, 1.0)


def test_shares_are_of_the_time_since_they_were_last_reported(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock = StageClock()
    assert (clock.shares(), in_words(clock.shares())) == ({}, "")
    for reported in (False, True):
        with clock.running():
            with clock.timed("planning"):
                now[0] += 6
            with clock.timed("simulation", "waiting_for_simulation"):
                now[0] += 2
        now[0] += 100  # An evaluation, say.
        clock.add("learning", 5 if reported else 7)
        if not reported:
            clock.mark()
    assert clock.shares() == {
        "planning": 0.75,
        "simulation": 0.25,
        "learning": 0.625,
        "waiting_for_simulation": 0.25,
        "waiting_for_learning": 0.0,
    }
    assert in_words(clock.shares()) == "75% planning, 25% simulation, 62% learning"
    assert clock.seconds["learning"] == 12
