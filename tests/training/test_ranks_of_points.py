"""Runs of several ranks, over loopback: shared out, agreed on, gone on with by other numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from newt_core.agents.ranks import ALONE, Ranks
from newt_core.errors import EnvironmentFailure
from newt_core.training import online
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.metrics import read_metrics
from newt_core.training.rank_states import own_envs, saved_ranks
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.rank_shares import discard_other_replays, replay_folder
from tests.fixtures.point_pool import PointPool, point_task
from tests.fixtures.rank_processes import on_processes
from tests.fixtures.trainers import PointRun, differences, point_config

SEVEN = tuple(point_task(f"point-{n}", 4 + n % 3) for n in range(7))
CONFIG = point_config(steps=140, evaluation__every=70, checkpoint__every=50, update__batch_size=8)


@pytest.fixture(autouse=True)
def tiny_runs(tiny_networks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "LOG_SECONDS", 1e9)


def stop_at(call: int) -> Callable[[], bool]:
    calls = count()
    return lambda: next(calls) >= call


def part(folder: Path, ranks: Ranks, *, resume: bool = False, stop: int = 10**9) -> dict[str, Any]:
    """Run or go on with seven tasks on one rank of some; only the last is asked to stop."""
    run = PointRun(folder, config=CONFIG, tasks=SEVEN)
    asked = stop_at(stop if ranks.rank == ranks.size - 1 else 10**9)
    result, trainer = run.run(resume=resume, should_stop=asked, ranks=ranks)
    weights = torch.cat([each.flatten() for each in run_weights(trainer)])
    held = [(e.task, e.obs.sum().item()) for e in run.online.episodes()]
    return {
        "steps": result.steps,
        "interrupted": result.interrupted,
        "updates": trainer.agent.updates,
        "envs": trainer.collector.envs.tolist(),
        "weights": weights,
        "episodes": [list(each) for each in held],
        "capacity": run.online.capacity,
    }


def run_weights(trainer: Any) -> list[torch.Tensor]:
    return [each.detach() for each in trainer.agent.agent.model.parameters()]


def two(folder: Path, **how: Any) -> list[dict[str, Any]]:
    # The meeting place of the processes must not be there yet.
    place = folder.parent / f"{folder.name}-ranks-{len(list(folder.parent.iterdir()))}"
    return on_processes(2, lambda ranks: part(folder, ranks, **how), place)


def saved(folder: Path) -> dict[str, Any]:
    return load_checkpoint(folder / "checkpoints/last.pt")


def test_seven_tasks_on_two_ranks(tmp_path):
    first, second = two(tmp_path / "a")
    assert sorted(first["envs"] + second["envs"]) == list(range(7))
    assert sorted(map(len, (first["envs"], second["envs"]))) == [3, 4]
    assert (first["steps"], first["updates"]) == (second["steps"], second["updates"])
    assert first["steps"] == 140
    assert first["updates"] > 0
    assert torch.equal(first["weights"], second["weights"])
    for each in (first, second):  # a rank remembers what it played
        assert {task for task, _ in each["episodes"]} == set(each["envs"])
        assert each["capacity"] == 250
    rows = read_metrics(tmp_path / "a/metrics.jsonl")
    assert {f"train/return/{spec.id}" for spec in SEVEN} <= set().union(*rows)
    stored = sum(len(each["episodes"]) for each in (first, second))
    lengths = sum(SEVEN[task].episode_length for e in (first, second) for task, _ in e["episodes"])
    assert rows[-1]["replay/steps"] == lengths
    assert stored > 7
    assert [own_envs(each).tolist() for each in saved_ranks(saved(tmp_path / "a"))] == [
        first["envs"],
        second["envs"],
    ]


def test_a_stop_changes_nothing(tmp_path):
    two(tmp_path / "a")
    stopped = two(tmp_path / "c", stop=9)  # only one of them is asked to
    assert [each["interrupted"] for each in stopped] == [True, True]
    assert stopped[0]["steps"] == stopped[1]["steps"] < 140
    finished = two(tmp_path / "c", resume=True)
    assert [each["interrupted"] for each in finished] == [False, False]
    assert differences(saved(tmp_path / "a"), saved(tmp_path / "c")) == []


def test_another_number_of_ranks_goes_on(tmp_path):
    folder = tmp_path / "a"
    before = two(folder, stop=12)
    old = saved(folder)
    open_steps = {
        env: steps
        for rank in saved_ranks(old)
        for env, steps in zip(
            own_envs(rank).tolist(), rank["collector"]["open_steps"].tolist(), strict=True
        )
    }
    assert sum(open_steps.values()), "else no episode was open"
    torch.set_num_threads(1)
    alone = part(folder, ALONE, resume=True, stop=0)
    assert alone["steps"] == before[0]["steps"]
    assert torch.equal(alone["weights"], before[0]["weights"])
    assert sorted(alone["episodes"]) == sorted(e for rank in before for e in rank["episodes"])
    now = saved(folder)
    assert len(saved_ranks(now)) == 1
    # Open episodes have gone on, not begun anew.
    assert now["collector"]["open_steps"].tolist() == [open_steps[env] for env in range(7)]
    assert differences(old["agent"], now["agent"]) == []
    discard_other_replays(RunFolder(folder), 1)
    assert not replay_folder(RunFolder(folder), 1, 2).exists()
    again = two(folder, resume=True)
    assert [each["steps"] for each in again] == [140, 140]
    assert torch.equal(again[0]["weights"], again[1]["weights"])
    held = [e for rank in again for e in rank["episodes"]]
    assert all(episode in held for episode in alone["episodes"])
    for each in again:
        assert {task for task, _ in each["episodes"]} == set(each["envs"])


def test_where_environments_of_one_rank_keep_failing_all_are_saved(tmp_path, monkeypatch):
    plain, taken = PointPool.step, count(1)

    def failing(self: PointPool, actions: Any) -> Any:
        if next(taken) > 6 and self.specs[0].id == failed:
            raise EnvironmentFailure("point-x died three times.")
        return plain(self, actions)

    first = two(tmp_path / "whole")[1]["envs"][0]
    failed = SEVEN[first].id
    monkeypatch.setattr(PointPool, "step", failing)

    def fail(ranks: Ranks) -> dict[str, str]:
        with pytest.raises(EnvironmentFailure) as caught:
            part(tmp_path / "a", ranks)
        return {"said": str(caught.value)}

    said = [each["said"] for each in on_processes(2, fail, tmp_path / "ranks")]
    assert all(each.startswith("point-x died three times.") for each in said)
    assert all("saved at step 42" in each for each in said)
    assert saved(tmp_path / "a")["counters"]["steps"] == 42


def test_a_part_of_the_environments_runs_the_same_episodes(tmp_path):
    config = point_config(envs_per_task=2, steps=60, update__updates_per_step=0.01)
    run = PointRun(tmp_path / "one", config=config)
    run.run()

    def mine(ranks: Ranks) -> dict[str, Any]:
        own = PointRun(tmp_path / "two", config=config)
        own.run(ranks=ranks)
        return {"starts": [e.obs[0].tolist() for e in own.online.episodes()]}

    found = [
        start for each in on_processes(2, mine, tmp_path / "ranks") for start in each["starts"]
    ]
    starts = [episode.obs[0].tolist() for episode in run.online.episodes()]
    assert len({tuple(start) for start in starts}) == len(starts)
    assert np.allclose(sorted(found), sorted(starts))
