"""Which checkpoint a video is of, and where it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

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

    def filmed(player, specs, path, **options):
        asked.append(([spec.id for spec in specs], options["episodes"], options["bare"]))
        return Video(path, 9, 30.0), {"pygame-pong": "needs a driver"}

    monkeypatch.setattr(film, "load", lambda *arguments, **options: Agent())
    monkeypatch.setattr(film, "film_grid", filmed)
    done = film_checkpoint(FilmRequest("walk", grid=True, episodes=2, bare=True, runs=runs))
    assert done.videos == [Video(runs / "walk/videos/grid.mp4", 9, 30.0)]
    assert done.left_out == {"pygame-pong": "needs a driver"}
    assert asked == [(["pygame-pong", "pygame-cowboy"], 2, True)]
    done = film_checkpoint(FilmRequest("walk", path=Path("a.gif"), grid=True, runs=runs))
    assert done.videos[0].path == Path("a.gif")
