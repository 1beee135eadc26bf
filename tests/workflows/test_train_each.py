"""One run for each task of a list, and their agents as the experts of these tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from newt_core.errors import ConfigError, NewtError
from newt_core.files import sha256
from newt_core.specs import SpecLibrary, load_specs
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.resume import run_settings
from newt_core.training.run_list import RunList
from newt_core.workflows.asked import Asked
from newt_core.workflows.run_many import ListContext, existing_list
from newt_core.workflows.train_each import new_list, train_each
from newt_core.workflows.trained_experts import TrainedExperts, checkpoints_in
from tests.fixtures.demonstrations import write_demos
from tests.fixtures.point_runs import play_points
from tests.fixtures.short_lists import Killed, Killer, asked, last_states, write_specs
from tests.fixtures.trainers import differences
from tests.fixtures.watcher import Watcher

TASKS = ["short-balance", "short-reach"]


@pytest.fixture(autouse=True)
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    play_points(monkeypatch)


@pytest.fixture
def library(tmp_path: Path) -> SpecLibrary:
    return load_specs([write_specs(tmp_path)])


def begun(tmp_path: Path, name: str, *more: str, **flags: object) -> RunList:
    request = asked(*more, **flags)
    return new_list(request, specs=[tmp_path / "specs"], name=name, runs=tmp_path / "runs")


def test_each_task_has_a_run_with_the_settings_that_all_share(tmp_path, library):
    runs = begun(tmp_path, "experts", seed=4)
    watcher = Watcher()
    result = train_each(ListContext(runs, progress=watcher))
    assert [row["task"] for row in result.rows] == TASKS
    configs = [run_settings(runs.run(member)) for member in runs.members]
    assert [config.tasks for config in configs] == TASKS
    assert configs[0] == configs[1].model_copy(update={"tasks": TASKS[0]})
    assert configs[0].seed == 4
    for row in result.rows:
        newest = RunList(runs.path).run(runs.members[TASKS.index(row["task"])])
        document = newest.read_evaluations()[20]
        assert list(document["tasks"]) == [row["task"]]
        assert (row["done"], row["steps"], row["score"]) == (True, 20, document["score"])
    assert {status.total for status in watcher.seen} == {40}


def test_a_broken_off_list_ends_like_an_unbroken_one(tmp_path, library):
    whole = begun(tmp_path, "whole")
    watcher = Watcher()
    unbroken = train_each(ListContext(whole, progress=watcher))
    for moment in (len(watcher.seen) // 4, 3 * len(watcher.seen) // 4):
        made = begun(tmp_path, f"killed-{moment}")
        with pytest.raises(Killed):
            train_each(ListContext(made, progress=Killer(moment)))
        again = RunList.open(made.path.name, "each", root=tmp_path / "runs")
        result = train_each(existing_list(again, Asked()))
        assert differences(last_states(again), last_states(whole)) == []
        assert [row["score"] for row in result.rows] == [row["score"] for row in unbroken.rows]


def test_the_expert_of_a_task_is_that_of_its_run(tmp_path, library):
    runs = begun(tmp_path, "experts")
    train_each(ListContext(runs))
    # The folder of the list, and that of all runs, in which the list lies.
    for folder in (runs.path, tmp_path / "runs"):
        files = checkpoints_in(folder)
        assert [path.parts[-3] for path in files] == TASKS
        experts = TrainedExperts(files, library, "cpu")
        for task, file in zip(TASKS, files, strict=True):
            found = experts.find(library[task])
            assert found is not None
            assert found.name == f"checkpoint {sha256(file)[:16]}"
            assert load_checkpoint(file)["tasks"][0]["id"] == task
    assert TrainedExperts(files, library, "cpu").find(load_specs()["walker-run"]) is None


def test_of_many_runs_only_the_tasks_own_checkpoint_is_read(tmp_path, library, monkeypatch):
    runs = begun(tmp_path, "experts")
    train_each(ListContext(runs))
    from newt_core.training import content

    read: list[Path] = []
    real = content.read_content

    def watched(path: Path):
        read.append(path)
        return real(path)

    monkeypatch.setattr(content, "read_content", watched)
    TrainedExperts(checkpoints_in(runs.path), library, "cpu").find(library[TASKS[1]])
    assert {path.parts[-3] for path in read} == {TASKS[1]}


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"tasks": None}, "--each makes one run for each task: name some with --tasks"),
        ({"tasks": "short-reahc"}, "Did you mean 'short-reach'"),
        ({"instruction": "Hurry."}, "another wording is for one task"),
        ({"demos": "nowhere"}, "nowhere"),
        ({"agent": "nwet"}, "there is no agent 'nwet'. Did you mean 'newt'"),
    ],
)
def test_a_mistake_makes_no_folder(tmp_path, library, flags, reason):
    with pytest.raises(NewtError, match=reason):
        begun(tmp_path, "a", **flags)
    assert not (tmp_path / "runs").exists()


def test_demonstrations_of_every_task_are_looked_at_before_there_is_a_folder(tmp_path, library):
    write_demos(tmp_path / "demos", 2, library[TASKS[0]])
    with pytest.raises(NewtError, match="short-reach"):
        begun(tmp_path, "a", demos=str(tmp_path / "demos"))
    assert not (tmp_path / "runs").exists()
    with pytest.raises(ConfigError, match=r"update\.horizon is 9, but an episode of short-"):
        begun(tmp_path, "a", "update.horizon=9")


def test_what_a_run_takes_is_measured_once_for_each_domain(tmp_path, library):
    asked_for: list[str] = []

    def measure(config, specs):
        asked_for.append(config.tasks)
        return 7.0 if specs[0].domain == "dmcontrol" else None

    request = asked("replay.capacity=2000", tasks=f"{TASKS[0]},{TASKS[1]},pygame-cowboy")
    runs = new_list(
        request, specs=[tmp_path / "specs"], name="a", runs=tmp_path / "runs", measure=measure
    )
    assert asked_for == [TASKS[0], "pygame-cowboy"]
    assert runs.seconds == {TASKS[0]: 7.0, TASKS[1]: 7.0, "pygame-cowboy": None}
