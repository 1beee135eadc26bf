"""Open loop: a plan is executed to its end without looking, then comes the next."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from newt_core.agents.base import Acting
from newt_core.agents.newt import open_loop
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.errors import UselessActionError
from newt_core.model.config import ModelConfig
from newt_core.model.discrete import two_hot_mean
from newt_core.model.sizes import SIZES
from newt_core.planner.config import PlannerConfig
from newt_core.types import ACTION_DIM, STATE_DIM, Act, FloatArray, Observation
from tests.fixtures.models import TINY, model, table

HORIZON = 5
RANDOM = np.random.default_rng(0)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> NewtAgent:
    monkeypatch.setitem(SIZES, "2M", TINY)
    made = NewtAgent(
        ModelConfig(size="2M"),
        PlannerConfig(num_samples=16, policy_trajectories=4, num_elites=4, iterations=2),
        UpdateConfig(),
        table(),
        device=torch.device("cpu"),
    )
    made.model.load_state_dict(model(seed=0).state_dict())
    return made


def seen(
    state: FloatArray, *, first: bool | list[bool] = False, episode: int | None = 0
) -> Observation:
    """Three environments of three tasks."""
    count = len(state)
    begins = np.array(first) & np.ones(count, np.bool_)
    numbers = None if episode is None else np.full(count, episode)
    return Observation(state, np.arange(count), np.arange(count), begins, episode=numbers)


def states() -> FloatArray:
    return RANDOM.normal(size=(3, STATE_DIM)).astype(np.float32)


def player(agent: NewtAgent, steps: int = HORIZON, seed: int = 0) -> Act:
    return agent.player(3, seed=seed, how=Acting(open_loop=steps))


def test_what_comes_after_the_first_look_changes_nothing(agent: NewtAgent) -> None:
    begin = states()
    one, other = player(agent), player(agent)
    for step in range(HORIZON):
        mine, theirs = (
            act(seen(begin if step == 0 else states(), first=step == 0)) for act in (one, other)
        )
        assert np.array_equal(mine, theirs)
    # The plan is at its end: now it looks, and two that see different states do different things.
    assert not np.array_equal(one(seen(states())), other(seen(states())))


def test_it_looks_and_plans_again_when_a_plan_has_come_to_its_end(agent: NewtAgent) -> None:
    begin, later = states(), states()
    short = player(agent, 2)
    whole = [short(seen(x, first=i == 0)) for i, x in enumerate((begin, begin, later, begin))]
    # With nothing taken over from the plan before: whoever comes there another way does the same.
    again = player(agent, 2)
    again(seen(states(), first=True)), again(seen(states()))
    assert np.array_equal(again(seen(later)), whole[2])
    assert np.array_equal(again(seen(states())), whole[3])
    # The second plan of an episode has noise of its own.
    fresh = player(agent, 2)
    assert not np.array_equal(fresh(seen(later, first=True)), whole[2])


def test_an_episode_begins_with_a_plan_of_its_own(agent: NewtAgent) -> None:
    act, begin = player(agent), states()
    first = act(seen(begin, first=True))
    act(seen(states()))
    mixed = act(seen(begin, first=[False, True, False]))
    np.testing.assert_allclose(mixed[1], first[1], atol=1e-5)
    assert np.abs(mixed[0] - first[0]).max() > 1e-3


def test_plans_are_as_long_as_asked_and_use_the_valid_entries(agent: NewtAgent) -> None:
    act = player(agent, 30)
    taken = np.stack([act(seen(states(), first=step == 0)) for step in range(30)])
    assert taken.shape == (30, 3, ACTION_DIM)
    assert np.abs(taken).max() <= 1
    assert not taken[:, agent.model.action_mask[:3].numpy() == 0].any()
    assert len(np.unique(taken[:, 0, 0])) > 15  # Not the same few actions over and over.
    assert agent.mode(Acting(open_loop=30)) == "open-loop planning, 30 steps"
    assert agent.mode(Acting(prior_weight=1.0, open_loop=30)) == (
        "open-loop constrained planning, 30 steps"
    )


def test_few_at_a_time_are_planned_for_as_all_together(
    agent: NewtAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = states()
    together = player(agent)(seen(begin, first=True))
    monkeypatch.setattr(open_loop, "NOISE_NUMBERS", 1)
    np.testing.assert_allclose(player(agent)(seen(begin, first=True)), together, atol=1e-5)


def test_without_numbers_of_episodes_it_acts_all_the_same(agent: NewtAgent) -> None:
    act = player(agent)
    first = act(seen(states(), first=True, episode=None))
    assert not np.array_equal(act(seen(states(), episode=None)), first)


def test_useless_weights_are_noticed(agent: NewtAgent) -> None:
    with torch.no_grad():
        for weight in agent.model.policy.parameters():
            weight.fill_(torch.nan)
    agent.weights_replaced()
    act = player(agent)
    with pytest.raises(UselessActionError):
        act(seen(states(), first=True))


def test_what_is_imagined_is_what_the_networks_say(agent: NewtAgent) -> None:
    observation = seen(states())
    actions = RANDOM.uniform(-1, 1, (2, 3, ACTION_DIM)).astype(np.float32)
    found = agent.imagine(observation, actions)
    assert found.reward.shape == (2, 3)
    assert found.value.shape == (3, 3)
    with torch.no_grad():
        bound = agent.model.bind(torch.arange(3))
        z = bound.encode(torch.as_tensor(observation.state))
        np.testing.assert_allclose(found.latent[0], z, atol=1e-6)
        first, second = torch.as_tensor(actions)
        reward = two_hot_mean(bound.reward_logits(bound.next(z, first), second))
        np.testing.assert_allclose(found.reward[1], reward, atol=1e-5)
        after = bound.next(bound.next(z, first), second)
        np.testing.assert_allclose(found.latent[2], after, atol=1e-6)
        own = bound.policy(after, torch.zeros(3, ACTION_DIM)).mean
        value = bound.q_value(after, own, torch.arange(TINY.num_q)).mean(0)
        np.testing.assert_allclose(found.value[2], value, atol=1e-5)
    only = agent.imagine(observation, actions[:0])
    assert only.reward.shape == (0, 3)
    np.testing.assert_allclose(only.value[0], found.value[0], atol=1e-6)
