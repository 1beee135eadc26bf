"""What `newt eval` is asked reaches who acts, the pool and the episodes."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from newt_core.agents.base import Acting
from newt_core.encoders import TextOptions
from newt_core.evaluation.rollout import EpisodeResult, EvaluationStopped
from newt_core.seeds import Stream, stream_seed
from newt_core.types import Observation
from newt_core.workflows.evaluate import (
    EvaluationRequest,
    evaluate_agent,
    evaluate_checkpoint,
    evaluate_random,
)
from tests.fixtures.layers import Layers
from tests.fixtures.stand_in_agent import StandInAgent


def test_what_is_asked_of_an_evaluation_reaches_the_agent(layers, short):
    chosen = [short["short-balance"]]
    layers.replace("evaluated agent", lambda told: ("the agent", chosen))
    layers.replace("evaluate_agent", lambda told: "the summary")
    text, heard = TextOptions(encoder="zero"), lambda done, total: None
    summary: object = evaluate_checkpoint(
        EvaluationRequest(
            Path("last.pt"),
            "short-*",
            7,
            policy_only=True,
            prior_weight=0.25,
            seed=4,
            device="cuda:1",
            text=text,
            image_weights=Path("dino.pt"),
        ),
        library=short,
        on_progress=heard,
    )
    assert summary == "the summary"
    assert layers.told["evaluated agent"] == {
        "path": Path("last.pt"),
        "specs": short.select("short-*"),
        "library": short,
        "device": "cuda:1",
        "text": text,
        "image_weights": Path("dino.pt"),
        "how": Acting(policy_only=True, prior_weight=0.25),
    }
    told = layers.told["evaluate_agent"]
    assert (told["agent"], told["specs"], told["episodes"]) == ("the agent", chosen, 7)
    assert told["how"] == Acting(policy_only=True, prior_weight=0.25)
    assert told["seed"] == stream_seed(4, Stream.REPORTED_EPISODES)
    assert told["on_progress"] is heard


def test_an_evaluation_without_options_is_of_the_checkpoints_tasks(layers, short):
    layers.replace("evaluated agent", lambda told: ("the agent", []))
    layers.replace("evaluate_agent")
    evaluate_checkpoint(EvaluationRequest(Path("last.pt"), None, 7), library=short)
    assert layers.got("evaluated agent", "specs", "device") == (None, "auto")
    told = layers.got("evaluate_agent", "how", "seed")
    assert told == (Acting(), stream_seed(0, Stream.REPORTED_EPISODES))


def results(told: dict[str, Any]) -> list[EpisodeResult]:
    return [EpisodeResult(spec.id, 10.0, np.nan, 0.5, 10) for spec in told["specs"]]


def test_random_actions_are_evaluated_as_asked(layers, short):
    def heard(done: int, total: int) -> None: ...

    actions = []

    def play(told: dict[str, Any]) -> list[EpisodeResult]:
        told["pool"].reset(told["seed"])
        zeros = np.zeros(1, np.int64)
        state = np.zeros((1, 128), np.float32)
        now = Observation(state, zeros, zeros, zeros == 0, episode=zeros)
        actions.append(told["act"](now))
        return results(told)

    layers.replace("evaluate", play)
    assert (
        evaluate_random("short-reach", 7, seed=4, library=short, on_progress=heard).mode == "random"
    )
    told = layers.told["evaluate"]
    assert told["specs"] == [short["short-reach"]]
    assert (told["episodes"], told["seed"]) == (7, stream_seed(4, Stream.REPORTED_EPISODES))
    assert told["on_progress"] is heard
    evaluate_random("short-reach", 7, seed=5, library=short)
    evaluate_random("short-reach", 7, seed=4, library=short)
    four, five, again = actions
    assert np.array_equal(four, again)
    assert not np.array_equal(four, five)


@pytest.fixture
def acting(layers: Layers) -> Layers:
    """Stand in for the pool and the episodes."""
    layers.replace("open_pool", lambda told: nullcontext(POOL))
    layers.replace("evaluate", results)
    return layers


POOL: Any = SimpleNamespace()

AGENT: Any = StandInAgent("eyes", 2)


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({}, "planning"),
        ({"policy_only": True}, "policy"),
        ({"prior_weight": 0.25}, "constrained planning"),
    ],
)
def test_an_agent_acts_as_the_options_say(acting, short, options, mode):
    def heard(done: int, total: int) -> None: ...

    specs = [short["short-balance"], short["short-reach"]]
    summary = evaluate_agent(AGENT, specs, 3, seed=4, how=Acting(**options), on_progress=heard)
    assert summary.mode == mode
    assert AGENT.asked == (6, 4, Acting(**options))
    told = acting.told["open_pool"]
    assert (told["encoder"], told["stack"], told["seed"]) == ("eyes", 2, 4)
    assert [spec.id for spec in told["specs"]] == ["short-balance"] * 3 + ["short-reach"] * 3
    told = acting.told["evaluate"]
    assert (told["specs"], told["episodes"], told["seed"]) == (specs, 3, 4)
    assert (told["pool"], told["on_progress"]) == (POOL, heard)
    # The actor sees what the episodes show it.
    assert told["act"]("what is seen") == "what is seen"


@pytest.mark.parametrize(("episodes", "envs"), [(1, 1), (5, 5), (12, 5)])
def test_five_environments_of_a_task_at_most_are_stepped(acting, short, episodes, envs):
    evaluate_agent(AGENT, [short["short-reach"]], episodes, seed=4)
    assert acting.told["open_pool"]["specs"] == [short["short-reach"]] * envs
    assert acting.told["evaluate"]["episodes"] == episodes


def test_an_evaluation_is_asked_to_stop(acting, short):
    evaluate_agent(AGENT, [short["short-reach"]], 3, seed=4, should_stop=lambda: True)
    with pytest.raises(EvaluationStopped):
        acting.told["evaluate"]["act"]("anything")
