"""Which checkpoint a video is of, and where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from newt_core.agents.base import Acting
from newt_core.errors import ConfigError, MissingDependencyError, RunFolderError
from newt_core.evaluation.video import Video
from newt_core.training.run_folder import RunFolder
from newt_core.workflows import film
from newt_core.workflows.film import FilmRequest, film_checkpoint
from newt_core.workflows.find_checkpoint import find_checkpoint


def checkpoints(folder: Path, *names: str) -> None:
    (folder / "checkpoints").mkdir(parents=True)
    for name in names:
        (folder / "checkpoints" / name).touch()


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of two runs; the newest was stopped while it pretrained."""
    monkeypatch.chdir(tmp_path)
    root = Path("runs")
    for name in ("walk", "both"):
        RunFolder.create(name, "", root=root)
    checkpoints(root / "walk", "best.pt", "last.pt")
    RunFolder.create("pretraining", "", root=root / "both")
    checkpoints(root / "both" / "pretraining", "last.pt")
    return root


def test_a_runs_best_checkpoint_is_filmed_into_the_run(runs):
    best = (runs / "walk/checkpoints/best.pt", runs / "walk/videos")
    assert find_checkpoint("walk", runs) == best
    assert find_checkpoint("runs/walk", runs) == best
    best[0].unlink()
    assert find_checkpoint("walk", runs)[0].name == "last.pt"


def test_what_pretraining_made_serves_until_there_is_more(runs):
    pretrained = runs / "both/pretraining/checkpoints/last.pt"
    assert find_checkpoint("both", runs) == (pretrained, runs / "both/videos")


def test_a_checkpoint_outside_of_a_run_goes_elsewhere(runs):
    inside = runs / "walk/checkpoints/last.pt"
    assert find_checkpoint(str(inside), runs) == (inside, runs / "walk/videos")
    for name in ("mine.pt", "runs/walk/old/last.pt", "checkpoints/last.pt", "a-file"):
        if name != "mine.pt":
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).touch()
        assert find_checkpoint(name, runs) == (Path(name), Path("videos"))


def test_a_wrong_name_has_one_that_is_near(runs):
    with pytest.raises(RunFolderError, match="Did you mean 'walk'"):
        find_checkpoint("wolk", runs)
    RunFolder.create("empty", "", root=runs)
    with pytest.raises(RunFolderError, match="has no checkpoint yet"):
        find_checkpoint("empty", runs)
    with pytest.raises(RunFolderError, match="there is no run in none/ yet"):
        find_checkpoint(None, Path("none"))


class Agent:
    tasks = ("pygame-pong", "pygame-cowboy")


def test_tasks_that_cannot_be_drawn_are_left_out(runs, monkeypatch):
    def filmed(player, spec, path, **options):
        if spec.id == "pygame-pong":
            raise MissingDependencyError("needs a driver")
        return Video(path, 3, 30.0)

    monkeypatch.setattr(film, "load", lambda *arguments, **options: Agent())
    monkeypatch.setattr(film, "film", filmed)
    done = film_checkpoint(FilmRequest("walk", runs=runs))
    assert done.videos == [Video(runs / "walk/videos/pygame-cowboy.mp4", 3, 30.0)]
    assert done.left_out == {"pygame-pong": "needs a driver"}
    with pytest.raises(ConfigError, match="name one with --task"):
        film_checkpoint(FilmRequest("walk", path=Path("one.mp4"), runs=runs))
    monkeypatch.setattr(Agent, "tasks", ("pygame-pong",))
    with pytest.raises(MissingDependencyError, match="needs a driver"):
        film_checkpoint(FilmRequest("walk", runs=runs))


def test_a_grid_is_one_video_of_all_tasks(runs, monkeypatch):
    asked = []

    def filmed(panels, path, **options):
        asked.append(([panel.spec.id for panel in panels], options["episodes"], options["bare"]))
        return Video(path, 9, 30.0), {"pygame-pong": "needs a driver"}

    monkeypatch.setattr(film, "load", lambda *arguments, **options: Agent())
    monkeypatch.setattr(film, "film_grid", filmed)
    done = film_checkpoint(FilmRequest("walk", grid=True, episodes=2, bare=True, runs=runs))
    assert done.videos == [Video(runs / "walk/videos/grid.mp4", 9, 30.0)]
    assert done.left_out == {"pygame-pong": "needs a driver"}
    assert asked == [(["pygame-pong", "pygame-cowboy"], 2, True)]
    done = film_checkpoint(FilmRequest("walk", path=Path("a.gif"), grid=True, runs=runs))
    assert done.videos[0].path == Path("a.gif")


def test_closed_and_open_loop_are_played_from_the_same_states(runs, monkeypatch):
    told: dict[str, Any] = {}
    ways: list[Any] = []

    class Both:
        def player(self, num_envs, *, seed, how):
            ways.append((num_envs, seed, how))
            return lambda observation: None

        feature_stack = 0

    def loaded(file, specs, **options):
        told.update(options, tasks=[spec.id for spec in specs])
        return Both(), specs

    def filmed(panels, path, **options):
        told.update(options, panels=[(panel.spec.id, panel.label) for panel in panels])
        return Video(path, 9, 30.0), {}

    monkeypatch.setattr(film, "load_agent", loaded)
    monkeypatch.setattr(film, "film_grid", filmed)
    request = FilmRequest("walk", "walker-walk,walker-run", open_loop=24, seed=3, runs=runs)
    done = film_checkpoint(request)
    assert done.videos[0].path == runs / "walk/videos/open-loop.mp4"
    tasks = ("walker-walk", "walker-run")
    assert told["tasks"] == list(tasks)
    assert told["how"] == Acting(open_loop=24)  # what load_agent checks
    assert ways == [(2, 3, Acting()), (2, 3, Acting(open_loop=24))]
    assert told["panels"] == [
        (task, label) for task in tasks for label in ("closed loop", "open loop, 24")
    ]
    assert (told["seed"], told["abreast"]) == (3, 2)
    with pytest.raises(ConfigError, match="policy_only does not plan"):
        FilmRequest("walk", policy_only=True, open_loop=24)
    with pytest.raises(ConfigError, match="open_loop"):
        FilmRequest("walk", open_loop=0)
