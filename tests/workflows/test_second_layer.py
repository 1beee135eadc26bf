"""What is asked of films, of agents for other programs and of experts reaches what acts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from newt_core.agents.base import Acting
from newt_core.evaluation.video import Video
from newt_core.training.progress import Unwatched
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.film import FilmRequest, film_checkpoint
from newt_core.workflows.loaded import load
from newt_core.workflows.train import Trained
from newt_core.workflows.train_expert import expert_config, train_expert
from tests.fixtures.layers import checkpoint_of
from tests.fixtures.stand_in_agent import StandInAgent


def test_what_is_asked_of_a_film_reaches_agent_and_camera(layers, short, tmp_path):
    specs = [tmp_path / "specs"]
    layers.replace("load", lambda told: SimpleNamespace(tasks=["short-reach"]))
    layers.replace("film", lambda told: Video(told["path"], 3, 20.0))
    heard: list[tuple[str, int, int]] = []
    path = tmp_path / "a.gif"
    film_checkpoint(
        FilmRequest(
            str(checkpoint_of(tmp_path / "last.pt")),
            "short-reach",
            path,
            episodes=3,
            policy_only=True,
            seed=4,
            fps=20.0,
            device="cuda:1",
            specs=specs,
            image_weights=Path("dino.pt"),
        ),
        on_progress=lambda *numbers: heard.append(numbers),
    )
    told = layers.told["load"]
    assert (told["checkpoint"], told["tasks"]) == (tmp_path / "last.pt", "short-reach")
    assert (told["specs"], told["device"]) == (specs, "cuda:1")
    assert (told["policy_only"], told["seed"]) == (True, 4)
    assert told["image_weights"] == Path("dino.pt")
    told = layers.told["film"]
    assert (told["spec"], told["path"]) == (short["short-reach"], path)
    assert (told["episodes"], told["seed"], told["fps"]) == (3, 4, 20.0)
    told["on_progress"](1, 3)
    assert heard == [("short-reach", 1, 3)]


def test_a_film_without_options_is_of_the_newest_run_there(layers, tmp_path):
    run = RunFolder.create("b", "", root=tmp_path / "elsewhere")
    best = checkpoint_of(run.checkpoints / "best.pt")
    layers.replace("load", lambda told: SimpleNamespace(tasks=["pygame-pong"]))
    layers.replace("film", lambda told: Video(told["path"], 3, 20.0))
    film_checkpoint(FilmRequest(runs=tmp_path / "elsewhere"))
    told = layers.got("load", "checkpoint", "tasks", "policy_only", "seed", "device")
    assert told == (best, None, False, 0, "auto")
    told = layers.got("film", "path", "episodes", "seed", "fps")
    assert told == (run.videos / "pygame-pong.mp4", 1, 0, None)


def test_a_loaded_agent_acts_as_the_options_say(layers, short, tmp_path):
    agent = StandInAgent()
    layers.replace("loaded agent", lambda told: (agent, told["specs"]))
    load(
        "last.pt",
        "short-*",
        specs=[tmp_path / "specs"],
        device="cuda:1",
        policy_only=True,
        seed=4,
        instruction="Stroll.",
        embodiment="Legs.",
        text_weights="clip.pt",
        image_weights="dino.pt",
    )
    told = layers.told["loaded agent"]
    assert (told["path"], told["device"]) == (Path("last.pt"), "cuda:1")
    assert [spec.id for spec in told["specs"]] == ["short-balance", "short-reach"]
    assert (told["text"].wording.instruction, told["text"].wording.embodiment) == (
        "Stroll.",
        "Legs.",
    )
    assert (told["text"].weights, told["image_weights"]) == (Path("clip.pt"), Path("dino.pt"))
    assert agent.asked == (2, 4, Acting(policy_only=True))


def test_an_expert_is_trained_where_and_as_asked(layers, short, tmp_path):
    spec, progress = short["short-balance"], Unwatched()
    config = expert_config(spec, seed=5, device="cpu")
    assert (config.tasks, config.seed, config.device) == (spec.id, 5, "cpu")

    def trained(told: dict[str, Any]) -> Trained:
        return Trained(told["run"].folder.path, Path("last.pt"), 1, 0.5, 1, False)

    def should_stop() -> bool:
        return False

    layers.replace("interact", trained)
    for begun in (False, True):
        train_expert(
            config,
            spec,
            library=short,
            runs=tmp_path / "mine",
            progress=progress,
            should_stop=should_stop,
        )
        run, resumed = layers.got("interact", "run", "resume")
        assert run.folder.path == tmp_path / "mine/expert-short-balance"
        assert (run.config, run.library, resumed) == (config, short, begun)
        assert (run.progress, run.should_stop) == (progress, should_stop)
