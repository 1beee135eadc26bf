"""What `newt collect-demos` is asked reaches who acts, the pool and the file."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from newt_core.agents.base import Acting
from newt_core.demos.collect import Collection
from newt_core.demos.quality import default_episodes
from newt_core.specs import load_specs
from newt_core.workflows.collect_demos import CollectionRequest, collect_demos, without_expert
from tests.fixtures.layers import Layers, checkpoint_of
from tests.fixtures.stand_in_agent import StandInAgent

LIBRARY = load_specs()
COWBOY, PONG = LIBRARY["pygame-cowboy"], LIBRARY["pygame-pong"]


@pytest.fixture
def collecting(layers: Layers) -> Layers:
    """Stand in for the pool, the file and the collecting itself."""
    layers.replace("make_pool", lambda told: nullcontext("the pool"))
    layers.replace("writing", lambda told: nullcontext("the writer"))
    layers.replace("perturbed", lambda told: ("perturbed", told["act"]))
    done = Collection("pygame-cowboy", Path("x.h5"), 3, 3, 0, 1.0, None, 0.5)
    layers.replace("collect", lambda told: done)
    return layers


def test_what_is_asked_of_demonstrations_reaches_pool_file_and_collecting(collecting, tmp_path):
    heard: list[tuple[str, int, int]] = []
    collect_demos(
        CollectionRequest(
            [COWBOY],
            tmp_path,
            expert="scripted",
            episodes=3,
            append=True,
            rgb=True,
            noise=0.3,
            seed=5,
        ),
        library=LIBRARY,
        on_progress=lambda *numbers: heard.append(numbers),
    )
    assert collecting.got("make_pool", "specs", "seed", "frames") == ([COWBOY] * 3, 5, 1)
    path, expert, append = collecting.got("writing", "path", "expert", "append")
    assert (path, append) == (tmp_path / "pygame-cowboy.h5", True)
    assert expert.endswith("with noise 0.3")
    assert collecting.got("perturbed", "std", "spec", "seed") == (0.3, COWBOY, 5)
    collected = collecting.told["collect"]
    assert collected["act"][0] == "perturbed"
    assert (collected["writer"], collected["pool"]) == ("the writer", "the pool")
    assert collecting.got("collect", "wanted", "seed", "rgb") == (3, 5, True)
    collected["on_progress"](1, 3)
    assert heard == [("pygame-cowboy", 1, 3)]


def test_what_is_not_asked_of_demonstrations_is_the_default(collecting, tmp_path):
    collect_demos(CollectionRequest([COWBOY], tmp_path), library=LIBRARY)
    assert collecting.got("make_pool", "seed", "frames") == (0, 0)
    assert collecting.got("writing", "append") == (False,)
    assert "noise" not in collecting.told["writing"]["expert"]
    assert "perturbed" not in collecting.told
    assert collecting.got("collect", "wanted", "seed", "rgb") == (
        default_episodes(COWBOY),
        0,
        False,
    )


def test_collecting_is_asked_to_stop(collecting, tmp_path):
    asked = []

    def should_stop() -> bool:
        asked.append("again")
        return len(asked) > 1

    done = collect_demos(
        CollectionRequest([COWBOY, PONG], tmp_path), library=LIBRARY, should_stop=should_stop
    )
    assert done.interrupted
    assert len(done.tasks) == 1
    assert collecting.told["collect"]["should_stop"] is should_stop


def test_a_checkpoint_plays_on_the_device_and_with_the_seed_that_were_asked_for(
    collecting, tmp_path
):
    path = checkpoint_of(tmp_path / "expert.pt", "hopper-hop")
    agent = StandInAgent()
    collecting.replace("expert's agent", lambda told: (agent, told["specs"]))
    spec = LIBRARY["hopper-hop"]  # nobody plays it by a script
    collect_demos(
        CollectionRequest([spec], tmp_path, expert=str(path), episodes=4, device="cuda:1", seed=6),
        library=LIBRARY,
    )
    told = collecting.got("expert's agent", "path", "specs", "library", "device")
    assert told == (path, [spec], LIBRARY, "cuda:1")
    assert agent.asked == (4, 6, Acting())
    assert collecting.told["collect"]["act"]("what is seen") == "what is seen"
    assert collecting.told["writing"]["expert"].startswith("checkpoint ")


def test_trained_experts_are_looked_for_among_the_runs_that_were_named(collecting, tmp_path):
    spec = LIBRARY["hopper-hop"]  # nobody plays it by a script
    path = checkpoint_of(tmp_path / "mine/a/checkpoints/best.pt", spec.id)
    mine, others = tmp_path / "mine", tmp_path / "others"
    assert without_expert([spec], library=LIBRARY, runs=mine) == []
    assert without_expert([spec], library=LIBRARY, runs=others) == [spec]
    collecting.replace("expert's agent", lambda told: (StandInAgent(), told["specs"]))
    collect_demos(CollectionRequest([spec], tmp_path, runs=mine), library=LIBRARY)
    assert collecting.got("expert's agent", "path") == (path,)
