"""The check that every task must pass finds what it should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from newt_core.envs.checks import check_task
from newt_core.envs.contract import Outcome
from newt_core.errors import TaskCheckError
from newt_core.specs import load_specs

SPEC = load_specs()["pendulum-swingup"].model_copy(update={"episode_length": 30})


class Faulty:
    """A simulator with three numbers, and one fault (named by the class that derives)."""

    def __init__(self) -> None:
        self.state = np.zeros(3, dtype=np.float32)
        self.generator = np.random.default_rng()

    def reset(self, seed):
        if seed is not None:
            self.generator = np.random.default_rng(seed)
        self.state = self.generator.random(3, dtype=np.float32)
        return self.state.copy()

    def step(self, action):
        self.state = self.state + np.float32(0.01) * action[0]
        return Outcome(self.state.copy(), 0.0, math.nan)

    def close(self):
        pass


class Unseeded(Faulty):
    def reset(self, seed):
        return super().reset(None)


class LiveView(Faulty):
    def step(self, action):
        self.state += action[0]
        return Outcome(self.state, 0.0, math.nan)


class WrongShape(Faulty):
    def step(self, action):
        return Outcome(np.zeros(4, dtype=np.float32), 0.0, math.nan)


class WrongType(Faulty):
    def step(self, action):
        return Outcome(np.zeros(3, dtype=np.float64), 0.0, math.nan)


class Exploding(Faulty):
    def step(self, action):
        return Outcome(np.full(3, np.inf, dtype=np.float32), 0.0, math.nan)


class OddSuccess(Faulty):
    def step(self, action):
        return Outcome(self.state.copy(), 0.0, 0.5)


class Rich(Faulty):
    def step(self, action):
        return super().step(action)._replace(reward=50.0)


class Worn(Faulty):
    """Keeps something of a whole episode that a reset should clear."""

    steps = 0

    def step(self, action):
        self.steps += 1
        drift = np.float32(self.steps > 60)
        self.state = self.state + drift
        return super().step(action)


class Short(Faulty):
    def reset(self, seed):
        self.left = 25
        return super().reset(seed)

    def step(self, action):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("the episode is over")
        return super().step(action)


FAULTS = {
    Unseeded: "same seed and actions differ at step 0",
    LiveView: "changes the observation returned before",
    WrongShape: r"shape \(4,\), and its spec says \(3,\)",
    WrongType: "float64, not float32",
    Exploding: "not finite",
    OddSuccess: "success is 0.5",
    Rich: r"score of a whole episode is 1\.5, not from 0 to 1",
    Worn: "one before and one after a whole episode, differ at step 1",
    Short: "RuntimeError: the episode is over",
}


def build(spec):
    """The builder under test: the spec names the fault."""
    return globals()[spec.env["fault"]]()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found(fault):
    spec = SPEC.model_copy(update={"env": {"fault": fault.__name__}})
    with pytest.raises(TaskCheckError, match=f"pendulum-swingup: .*{FAULTS[fault]}"):
        check_task(spec, builders={"dmcontrol": "tests.envs.test_checks:build"})


def test_a_simulator_without_faults_passes():
    spec = SPEC.model_copy(update={"env": {"fault": "Faulty"}})
    check_task(spec, episodes=2, builders={"dmcontrol": "tests.envs.test_checks:build"})


@pytest.mark.parametrize("spec", load_specs().select("dmcontrol"), ids=lambda spec: spec.id)
def test_every_task_of_dmcontrol_passes(spec):
    check_task(spec.model_copy(update={"episode_length": 25}))


@pytest.mark.slow
@pytest.mark.parametrize("spec", load_specs().select("dmcontrol"), ids=lambda spec: spec.id)
def test_every_task_of_dmcontrol_passes_for_a_whole_episode(spec):
    check_task(spec)
