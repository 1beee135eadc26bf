"""Several runs at a time, in processes of their own, on real simulators."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from newt_core.training.progress import RunStatus, Unwatched
from newt_core.training.run_list import RunList
from newt_core.workflows import run_many
from newt_core.workflows.ablate import ablate, new_ablation
from newt_core.workflows.asked import Asked
from newt_core.workflows.run_apart import FAILED, RunProcess
from newt_core.workflows.run_many import ListContext, existing_list
from tests.fixtures.short_lists import ablation, draw_nothing, last_states, tables, write_specs
from tests.fixtures.trainers import differences
from tests.fixtures.watcher import Watcher

pytestmark = pytest.mark.timeout(300)  # Every run starts a process, and worker processes.


@pytest.fixture
def two_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # Shared out: one for each of two.
    write_specs(tmp_path)
    draw_nothing(monkeypatch)
    return tmp_path


def begun(folder: Path, name: str) -> RunList:
    told: dict[str, Any] = {"only": ["no-planning"], "seeds": 1}
    told |= {"flags": {"tasks": "short-balance"}, "overrides": ["evaluation.every=0"]}
    return new_ablation(ablation(folder, name, **told))


class StopAfter(Unwatched):
    """Asks to stop as soon as a run has taken some steps."""

    def __init__(self, steps: int) -> None:
        self.steps, self.stop = steps, False

    def update(self, status: RunStatus) -> None:
        self.stop = self.stop or status.steps >= self.steps


@pytest.mark.slow
def test_two_at_a_time_stopped_and_gone_on_with_they_end_like_one_after_the_other(two_rows):
    whole = begun(two_rows, "whole")
    one_by_one = ablate(ListContext(whole))
    runs = begun(two_rows, "apart")
    watcher = StopAfter(1)
    stopped = ablate(ListContext(runs, 2, watcher, lambda: watcher.stop))
    assert stopped.ended.failed == {}
    seen = Watcher()
    context = existing_list(RunList(runs.path), Asked(), jobs=2)
    result = ablate(replace(context, progress=seen))
    assert result.ended.failed == {}
    assert not result.ended.interrupted
    assert len(runs.done()) == 2
    assert tables(runs) == tables(whole)
    assert differences(last_states(runs), last_states(whole)) == []
    assert [row["score"] for row in result.rows.values()] == [
        row["score"] for row in one_by_one.rows.values()
    ]


def test_a_run_whose_process_is_killed_fails_alone_and_goes_on_later(two_rows, monkeypatch):
    runs = begun(two_rows, "a")
    first: list[RunProcess] = []

    class Watched(RunProcess):
        def __init__(self, folder: Path, count: int) -> None:
            super().__init__(folder, count)
            assert count == 1
            first.append(self)

    class KillFirst(Unwatched):
        def update(self, status: RunStatus) -> None:
            if first[0]._process.poll() is None and status.steps:
                first[0]._process.kill()

    monkeypatch.setattr(run_many, "RunProcess", Watched)
    result = ablate(ListContext(runs, 2, KillFirst()))
    failed = {member.name: why for member, why in result.ended.failed.items()}
    assert failed == {"reference_seed-0": "its process was ended by signal 9"}
    assert list(runs.done()) == ["no-planning_seed-0"]


def test_a_run_ends_by_itself_when_whoever_started_it_is_gone(two_rows):
    runs = begun(two_rows, "a")
    folder = runs.run(runs.members[0])
    process = RunProcess(folder.path, 1)
    process.connection.close()
    assert process._process.wait(120) == 0
    process.close()
    assert (folder.checkpoints / "last.pt").is_file()


def test_what_is_wrong_with_a_run_is_told_in_its_own_words(two_rows):
    runs = begun(two_rows, "a")
    folder = runs.run(runs.members[0])
    folder.config_file.write_text("tasks: short-balance\nseed: minus\n")
    process = RunProcess(folder.path, 1)
    ended = None
    deadline = time.monotonic() + 120
    while ended is None and time.monotonic() < deadline:
        process.connection.poll(1.0)
        ended = next((told for told in process.heard() if isinstance(told, tuple)), None)
    process.close()
    assert ended is not None
    assert ended[0] == FAILED
    assert "config.yaml is incomplete" in ended[1]
