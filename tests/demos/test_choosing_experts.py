"""Which expert plays in `newt collect-demos`, where, and what if there is none."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from newt_core.demos.collect import Collection
from newt_core.errors import CheckpointError, DemoError
from newt_core.specs import load_specs
from newt_core.workflows.collect_demos import CollectionRequest, collect_demos
from tests.fixtures.layers import Layers, checkpoint_of
from tests.fixtures.stand_in_agent import StandInAgent

LIBRARY = load_specs()
COWBOY, PONG = LIBRARY["pygame-cowboy"], LIBRARY["pygame-pong"]
UNSCRIPTED = LIBRARY["hopper-hop"]
"""Nobody plays it by a script."""


@pytest.fixture
def collecting(monkeypatch: pytest.MonkeyPatch) -> Layers:
    """Stand in for the pool, the file, the agent and the collecting itself."""
    layers = Layers(monkeypatch)
    layers.replace("make_pool", lambda told: nullcontext("the pool"))
    layers.replace("writing", lambda told: nullcontext("the writer"))
    done = Collection("hopper-hop", Path("x.h5"), 3, 3, 0, 1.0, None, 0.5)
    layers.replace("collect", lambda told: done)
    layers.replace("expert's agent", lambda told: (StandInAgent(), told["specs"]))
    return layers


def player(collecting: Layers, folder: Path) -> Path:
    """Return the checkpoint of a folder that plays."""
    asked = CollectionRequest([UNSCRIPTED], Path("nowhere"), expert=str(folder))
    collect_demos(asked, library=LIBRARY)
    path: Path = collecting.told["expert's agent"]["path"]
    return path


def test_of_several_checkpoints_the_one_that_knows_the_task_best_plays(collecting, tmp_path):
    def write(name: str, when: int, *tasks: str) -> Path:
        path = checkpoint_of(tmp_path / name, *tasks)
        os.utime(path, (when, when))
        return path

    task = UNSCRIPTED.id
    write("of-another.pt", 9, "pygame-pong")
    of_three = write("of-three.pt", 8, task, "walker-run", "walker-walk")
    assert player(collecting, tmp_path) == of_three
    for name, when, *tasks in (
        ("old.pt", 1, task, "walker-run"),  # of fewer tasks
        ("a-newer.pt", 2, "walker-run", task),
        ("best.pt", 2, task, "walker-run"),
        (f"{task}.pt", 0, task, "walker-run"),  # named after the task
        ("alone.pt", 0, task),
    ):
        path = write(name, when, *tasks)
        assert player(collecting, tmp_path) == path


def test_of_a_run_the_best_checkpoint_plays_or_else_the_last(collecting, tmp_path):
    run = tmp_path / "runs/a"
    last = checkpoint_of(run / "checkpoints/last.pt", UNSCRIPTED.id)
    for folder in (run, run.parent):
        assert player(collecting, folder) == last
    best = checkpoint_of(run / "checkpoints/best.pt", UNSCRIPTED.id)
    os.utime(best, (0, 0))
    for folder in (run, run.parent):
        assert player(collecting, folder) == best


def test_a_scripted_player_comes_before_a_trained_one(collecting, tmp_path):
    checkpoint_of(tmp_path / "a/checkpoints/best.pt", COWBOY.id)
    collect_demos(CollectionRequest([COWBOY], tmp_path, runs=tmp_path), library=LIBRARY)
    assert "expert's agent" not in collecting.told
    assert collecting.told["writing"]["expert"].startswith("scripted ")


@pytest.mark.parametrize(("episodes", "envs"), [(1, 1), (10, 10), (25, 10)])
def test_ten_environments_at_most_play_side_by_side(collecting, tmp_path, episodes, envs):
    collect_demos(CollectionRequest([COWBOY], tmp_path, episodes=episodes), library=LIBRARY)
    assert collecting.told["make_pool"]["specs"] == [COWBOY] * envs
    assert collecting.told["collect"]["wanted"] == episodes


def test_nothing_begins_where_files_are_in_the_way(collecting, tmp_path):
    for number, said in enumerate(
        ("pygame-cowboy.h5 exists already.", "pygame-cowboy.h5 and 1 more exist already.")
    ):
        (tmp_path / f"{(COWBOY, PONG)[number].id}.h5").touch()
        with pytest.raises(DemoError) as error:
            collect_demos(CollectionRequest([COWBOY, PONG], tmp_path), library=LIBRARY)
        assert str(error.value) == (
            f"{tmp_path}/{said} Add to what is there with --append, or name another folder with "
            "--out."
        )
    assert not collecting.told
    collect_demos(CollectionRequest([COWBOY], tmp_path, append=True), library=LIBRARY)


def test_without_an_expert_it_is_said_who_was_looked_for(collecting, tmp_path):
    others = tmp_path / "others"
    checkpoint_of(others / "a.pt", COWBOY.id)
    both = [UNSCRIPTED, LIBRARY["walker-stand"]]
    for expert, specs, said in (
        ("scripted", [UNSCRIPTED], ": there is no scripted player"),
        ("scripted", both, " and others: there is no scripted player"),
        (
            "auto",
            [UNSCRIPTED],
            f": there is no scripted player, and no run in {others} was trained on it",
        ),
        (
            str(others),
            [UNSCRIPTED],
            f": there is no checkpoint in {others} that was trained on it",
        ),
    ):
        request = CollectionRequest(specs, tmp_path, expert=expert, runs=others)
        with pytest.raises(DemoError) as error:
            collect_demos(request, library=LIBRARY)
        assert str(error.value) == (
            f"nothing can be collected in hopper-hop{said}.\n"
            "Name a checkpoint, or a folder with checkpoints, with --expert, or train one with "
            "--train-expert."
        )
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no checkpoint in .*: no file there ends in \.pt"):
        player(collecting, tmp_path / "empty")


def test_an_agent_that_sees_does_not_play(collecting, tmp_path):
    checkpoint_of(tmp_path / "a.pt", UNSCRIPTED.id)
    collecting.replace("expert's agent", lambda told: (StandInAgent("eyes"), told["specs"]))
    with pytest.raises(CheckpointError, match=r"a\.pt: this agent has visual observations"):
        player(collecting, tmp_path)
