"""Agents of all kinds are foretold: how often they learn, and how long that takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from newt_core.errors import UselessActionError
from newt_core.specs import load_specs
from newt_core.training.config import RunConfig, resolve_config
from newt_core.types import IMAGE_DIM, Observation, Transitions
from newt_core.workflows import forecast as forecasts
from newt_core.workflows import round_times
from newt_core.workflows.forecast import forecast
from newt_core.workflows.round_times import CloningTimes, RoundTimes
from newt_core.workflows.trial_loop import Trial

SPECS = load_specs().select("pygame-pong,pygame-cartpole-balance")


def config(kind: str, *changes: str) -> RunConfig:
    told = (f"agent.kind={kind}", "envs_per_task=2", "evaluation.episodes=3", *changes)
    return resolve_config("smoke", None, told, tasks="x", device="cpu", steps=6_000)


def test_a_runs_time_is_that_of_its_steps_its_updates_and_its_evaluations(monkeypatch):
    """Four environments take a second for a step; every 100 of these, 8 updates take 5."""
    times = RoundTimes(step=1.0, first=100, apart=100, learning=5.0, updates=8)
    monkeypatch.setattr(forecasts, "round_times", lambda trial: times)
    made = forecast(config("ppo", "evaluation.every=2000"), SPECS)
    lengths = sum(spec.episode_length for spec in SPECS)
    assert (made.steps, made.updates) == (6_000, 15 * 8)
    assert made.evaluation_seconds == 4 * 3 * lengths / 4  # At 0, 2,000, 4,000 and 6,000 steps.
    assert made.seconds == 6_000 / 4 + 15 * 5.0 + made.evaluation_seconds


def test_a_clonings_time_is_that_of_its_updates_and_its_evaluations(monkeypatch):
    """A step of two environments takes a second, an update half of one."""
    times = CloningTimes(step=1.0, update=0.5)
    monkeypatch.setattr(forecasts, "cloning_times", lambda player, learner: times)
    changes = ("pretrain.updates=1000", "pretrain.evaluate_every=400")
    made = forecast(config("bc", *changes), SPECS, pretraining=True)
    assert (made.steps, made.updates) == (0, 1_000)
    lengths = sum(spec.episode_length for spec in SPECS)
    assert made.evaluation_seconds == 3 * 3 * lengths / 2  # After 400, 800 and 1,000 updates.
    assert made.seconds == 1_000 * 0.5 + made.evaluation_seconds


@pytest.mark.parametrize(
    ("rounds", "times"), [(0, 0), (20, 0), (21, 1), (27, 1), (28, 2), (35, 3)]
)  # fmt: skip
def test_how_often_it_learns_in_a_run_follows_from_when_and_how_far_apart(rounds, times):
    assert RoundTimes(1.0, 21, 7, 1.0, 1).times_learned(rounds) == times


class Learner:
    """Learns for the first time after some rounds, and then after every few more."""

    def __init__(self, first: int, apart: int, updates: int) -> None:
        self.first, self.apart, self.count = first, apart, updates
        self.rounds = self.taken = 0
        self.seen: list[tuple[Any, Transitions, list[Any]]] = []
        self._observation: Any = None

    def act(self, observation: Any, steps: int) -> np.ndarray:
        assert steps == 2 * self.rounds
        self._observation = observation
        return np.zeros((2, 16), np.float32)

    def observe(self, transitions: Transitions, episodes: list[Any]) -> None:
        self.rounds += 1
        self.seen.append((self._observation, transitions, episodes))

    def learn(self, steps: int) -> Any:
        after = self.rounds - self.first
        if after < 0 or after % self.apart:
            return
        for _ in range(self.count):
            self.taken += 1
            yield {"loss": torch.zeros(())}


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in for the environments: two, whose episodes take 3 and 5 steps."""

    def with_learner(learner: Any, features: Any = None) -> Trial:
        pool = SimpleNamespace(specs=[SimpleNamespace(episode_length=n) for n in (3, 5)])
        state, both = np.zeros((2, 128), np.float32), np.arange(2)
        seen = Observation(state, both, both, np.ones(2, np.bool_), features)
        stack = 0 if features is None else features.shape[1]
        collector: Any = SimpleNamespace(pool=pool, observation=seen)
        return Trial(SimpleNamespace(feature_stack=stack), collector, learner)

    monkeypatch.setattr(round_times, "seconds", lambda work: 0.25)
    return with_learner


@pytest.mark.parametrize(("first", "apart", "updates"), [(4, 4, 6), (30, 1, 2), (9, 5, 1)])
def test_when_it_learns_is_found_out(trial, first, apart, updates):
    found = round_times.round_times(trial(Learner(first, apart, updates)))
    assert found is not None
    assert (found.first, found.apart, found.updates) == (first, apart, updates)
    assert (found.step, found.learning > 0) == (0.25, True)


def test_where_learning_takes_long_it_is_timed_once_and_seen_to_be_due_again(trial, monkeypatch):
    monkeypatch.setattr(round_times, "_PATIENCE_S", 0.0)
    learner = Learner(3, 7, 50)
    found = round_times.round_times(trial(learner))
    assert found is not None
    assert (found.first, found.apart, found.updates) == (3, 7, 50)
    assert (learner.rounds, learner.taken) == (10, 51)


def test_what_learns_nothing_is_not_waited_for_for_ever(trial, monkeypatch):
    monkeypatch.setattr(round_times, "_LONGEST_WAIT_S", 0.01)
    assert round_times.round_times(trial(Learner(10**9, 1, 1))) is None
    monkeypatch.setattr(forecasts, "round_times", lambda trial: None)
    made = forecast(config("ppo"), SPECS)
    assert (made.steps, made.updates, made.seconds) == (6_000, 0, None)


def test_made_up_episodes_are_as_long_as_the_tasks_own(trial):
    learner = Learner(15, 1, 1)
    round_times.round_times(trial(learner))
    for number, (seen, transitions, episodes) in enumerate(learner.seen):
        assert seen.first.tolist() == [number % 3 == 0, number % 5 == 0]
        done = [(number + 1) % 3 == 0, (number + 1) % 5 == 0]
        assert transitions.done.tolist() == done
        assert [episode.task for episode in episodes] == [task for task in (0, 1) if done[task]]
        assert not transitions.lost.any()


def test_an_agent_that_sees_is_shown_features(trial):
    learner = Learner(15, 1, 1)
    features = np.ones((2, 3, IMAGE_DIM), np.float16)
    round_times.round_times(trial(learner, features))
    for _, transitions, episodes in learner.seen:
        for shown in (transitions.features, transitions.final_features):
            assert shown is not None
            assert shown.shape == (2, 3, IMAGE_DIM)
        assert all(episode.features is not None for episode in episodes)


def test_an_agent_that_diverges_at_once_is_left_to_the_run(monkeypatch):
    def useless(trial: Any) -> None:
        raise UselessActionError("not finite")

    monkeypatch.setattr(forecasts, "round_times", useless)
    made = forecast(config("ppo"), SPECS)
    assert (made.steps, made.seconds) == (6_000, None)
