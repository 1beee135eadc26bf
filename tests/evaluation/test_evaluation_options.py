"""What `newt eval` is asked reaches who acts, the pool and the episodes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from newt_core.agents.base import Acting
from newt_core.encoders import TextOptions
from newt_core.errors import SpecError
from newt_core.evaluation.rollout import EpisodeResult, EvaluationStopped
from newt_core.experts.act import ScriptedAct
from newt_core.seeds import Stream, stream_seed
from newt_core.types import Observation
from newt_core.workflows.evaluate import (
    EvaluationRequest,
    evaluate_agent,
    evaluate_checkpoint,
    evaluate_experts,
    evaluate_random,
)
from tests.fixtures.layers import Layers
from tests.fixtures.stand_in_agent import StandInAgent


def test_what_is_asked_of_an_evaluation_reaches_the_agent(acting, short):
    chosen = [short["short-balance"], short["short-reach"]]
    acting.replace("evaluated agent", lambda told: (AGENT, chosen))
    text, how = TextOptions(encoder="zero"), Acting(prior_weight=0.25, open_loop=4)
    summary = evaluate_checkpoint(
        EvaluationRequest(
            Path("last.pt"),
            "short-*",
            7,
            how=how,
            seeds=(4,),
            envs=3,
            device="cuda:1",
            text=text,
            image_weights=Path("dino.pt"),
        ),
        library=short,
    )
    assert acting.told["evaluated agent"] == {
        "path": Path("last.pt"),
        "specs": short.select("short-*"),
        "library": short,
        "device": "cuda:1",
        "text": text,
        "image_weights": Path("dino.pt"),
        "how": how,
    }
    seed = stream_seed(4, Stream.REPORTED_EPISODES)
    assert AGENT.asked == (6, seed, how)
    told = acting.told["open_pool"]
    assert (told["encoder"], told["stack"]) == ("eyes", 2)
    assert told["specs"] == [chosen[0]] * 3 + [chosen[1]] * 3
    assert acting.got("evaluate", "specs", "episodes", "seed") == (chosen, 7, seed)
    assert summary.mode == "open-loop constrained planning, 4 steps"
    assert not summary.seeds


def test_an_evaluation_without_options_is_of_the_checkpoints_tasks(acting, short):
    acting.replace("evaluated agent", lambda told: (AGENT, [short["short-reach"]]))
    evaluate_checkpoint(EvaluationRequest(Path("last.pt"), None, 7), library=short)
    assert acting.got("evaluated agent", "specs", "device") == (None, "auto")
    assert AGENT.asked == (5, stream_seed(0, Stream.REPORTED_EPISODES), Acting())


def test_each_seed_has_episodes_and_a_player_of_its_own(acting, short):
    acting.replace("evaluated agent", lambda told: (AGENT, [short["short-reach"]]))
    played, asked = [], []

    def play(told: dict[str, Any]) -> list[EpisodeResult]:
        played.append(told["seed"])
        asked.append(AGENT.asked[1])
        score = 0.25 * len(played)
        return [EpisodeResult("short-reach", 10.0, np.nan, score, 10)] * told["episodes"]

    acting.replace("evaluate", play)
    request = EvaluationRequest(Path("last.pt"), None, 2, seeds=(3, 9))
    summary = evaluate_checkpoint(request, library=short)
    assert played == asked == [stream_seed(seed, Stream.REPORTED_EPISODES) for seed in (3, 9)]
    assert summary.tasks["short-reach"].episodes == 4
    assert summary.total.score == pytest.approx(0.375)
    assert summary.to_json()["seeds"] == {3: 0.25, 9: 0.5}


def results(told: dict[str, Any]) -> list[EpisodeResult]:
    return [EpisodeResult(spec.id, 10.0, np.nan, 0.5, 10) for spec in told["specs"]]


def random_episodes(told: dict[str, Any]) -> Observation:
    zeros = np.zeros(1, np.int64)
    return Observation(np.zeros((1, 128), np.float32), zeros, zeros, zeros == 0, episode=zeros)


def test_random_actions_are_evaluated_as_asked(acting, short):
    actions, pools = [], []

    def play(told: dict[str, Any]) -> list[EpisodeResult]:
        actions.append(told["act"](random_episodes(told)))
        return results(told)

    acting.replace("evaluate", play)

    def open_pool(told: dict[str, Any]) -> AbstractContextManager[Any]:
        pools.append(told)
        return nullcontext(POOL)

    acting.replace("evaluation's pool", open_pool)
    assert evaluate_random("short-reach", 7, seeds=(4,), library=short).mode == "random"
    told = acting.told["evaluate"]
    assert told["specs"] == [short["short-reach"]]
    assert (told["episodes"], told["seed"]) == (7, stream_seed(4, Stream.REPORTED_EPISODES))
    evaluate_random("short-reach", 7, seeds=(5, 4), envs=3, library=short)
    four, five, again = actions
    assert np.array_equal(four, again)
    assert not np.array_equal(four, five)
    assert [len(told["specs"]) for told in pools] == [1, 3]


def test_experts_are_evaluated_where_there_are_some(acting, short):
    said: list[str] = []
    tasks = "short-reach,pygame-pong,short-balance"
    acting.replace("evaluation's pool", lambda told: nullcontext(POOL))
    acting.replace("has player", lambda told: told["spec"].id != "short-balance")
    summary = evaluate_experts(tasks, 2, library=short, notice=said.append)
    assert (list(summary.tasks), summary.mode) == (["short-reach", "pygame-pong"], "expert")
    assert said == ["left out 1 of the tasks, short-balance: without an expert"]
    assert isinstance(acting.told["evaluate"]["act"], ScriptedAct)
    with pytest.raises(SpecError, match="'short-balance': there is no scripted player\\. "):
        evaluate_experts("short-balance", 2, library=short)


def test_steps_are_counted_over_all_seeds(acting, short):
    heard: list[tuple[int, int]] = []

    def play(told: dict[str, Any]) -> list[EpisodeResult]:
        told["act"](random_episodes(told))
        for done in (1, 2, 3):
            told["on_progress"](done, 10)
        return results(told)

    acting.replace("evaluate", play)
    acting.replace("evaluation's pool", lambda told: nullcontext(POOL))

    def hear(done: int, total: int) -> None:
        heard.append((done, total))

    evaluate_random("short-reach", 1, seeds=(0, 1), library=short, on_step=hear)
    # Ten steps in an episode, of which three were taken, and one of two seeds after the other.
    assert heard == [(1, 20), (2, 20), (3, 20), (11, 20), (12, 20), (13, 20)]


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
        ({"open_loop": 6}, "open-loop planning, 6 steps"),
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
