"""Errors of imagination, of models whose error is known."""

from __future__ import annotations

import numpy as np
import pytest

from newt_core.agents.base import Imagined
from newt_core.evaluation.imagination import imagination_errors
from newt_core.evaluation.traces import Trace, states
from newt_core.types import ACTION_DIM, STATE_DIM, FloatArray, Observation

STEPS = 10


class Walker:
    """Knows that an action moves its one number, which is the latent, by as much."""

    def __init__(self, drift: float = 0.0) -> None:
        self.drift = drift
        self.begun: list[int] = []

    def imagine(self, seen: Observation, actions: FloatArray) -> Imagined:
        self.begun.append(len(seen.state))
        place = [seen.state[:, :1]]
        for action in actions:
            place.append(place[-1] + action[:, :1] + self.drift)
        latent = np.stack(place)
        # The reward is the place before the action, and the value ten times the place.
        return Imagined(latent[:-1, :, 0], latent, 10 * latent[:, :, 0])


def episode(seed: int) -> Trace:
    action = np.zeros((STEPS, ACTION_DIM), np.float32)
    action[:, 0] = np.random.default_rng(seed).normal(size=STEPS)
    state = np.zeros((STEPS + 1, STATE_DIM), np.float32)
    state[:, 0] = seed + np.concatenate([[0.0], action[:, 0].cumsum()])
    return Trace(states(state, 0), action, state[:-1, 0])


def test_a_right_model_makes_no_error():
    errors = imagination_errors(Walker(), [episode(1), episode(2)], STEPS)
    for part in (errors.reward, errors.value, errors.latent):
        np.testing.assert_allclose(part, np.zeros(STEPS), atol=1e-5)


@pytest.mark.parametrize("starts", [None, 3])
def test_an_error_grows_with_the_steps_imagined(starts):
    errors = imagination_errors(Walker(0.5), [episode(1), episode(2)], 4, starts)
    ahead = np.arange(1, 5)
    np.testing.assert_allclose(errors.latent, (0.5 * ahead) ** 2, rtol=1e-4)
    np.testing.assert_allclose(errors.value, 5 * ahead, rtol=1e-4)
    # The first reward is foreseen from what was seen.
    np.testing.assert_allclose(errors.reward, 0.5 * (ahead - 1), atol=1e-5)


def test_errors_are_compared_with_foreseeing_nothing():
    one = episode(1)
    place = one.seen.state[:, 0]
    errors = imagination_errors(Walker(0.5), [one], 2)
    still = [np.square(place[n : n + 9] - place[:9]).mean() for n in (1, 2)]
    np.testing.assert_allclose(errors.latent_standing_still, still, rtol=1e-5)
    assert errors.reward_of_the_mean == pytest.approx(np.abs(place[:-1] - place[:-1].mean()).mean())
    assert errors.mean_value == pytest.approx(10 * np.abs(place).mean())
    shares = errors.relative()
    assert shares["latent"] == pytest.approx([0.25 / still[0], 1.0 / still[1]], rel=1e-4)
    assert shares["value"][1] == pytest.approx(10 / errors.mean_value, rel=1e-4)


def test_what_there_is_nothing_to_compare_with_has_no_share():
    state = np.zeros((STEPS + 1, STATE_DIM), np.float32)
    still = Trace(
        states(state, 0), np.zeros((STEPS, ACTION_DIM), np.float32), np.ones(STEPS, np.float32)
    )
    errors = imagination_errors(Walker(), [still], 2)
    assert errors.relative() == {name: [None, None] for name in ("reward", "value", "latent")}


def test_few_states_are_spread_over_the_episode():
    model = Walker()
    imagination_errors(model, [episode(1)], 3, 4)
    assert model.begun == [4, STEPS + 1]
    imagination_errors(model, [episode(1)], STEPS, 4)
    assert model.begun[2] == 1  # Only the start has so many steps after it.
