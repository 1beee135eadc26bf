"""The agent plans with its newest weights, and an actor remembers what it planned."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.config import ModelConfig
from newt_core.model.sizes import SIZES
from newt_core.model.split import SplitModel
from newt_core.planner.config import PlannerConfig
from newt_core.types import STATE_DIM, FloatArray, Observation
from tests.fixtures.models import TINY, batch, model, table

TASK = np.array([0, 1, 2])
OBS = np.random.default_rng(0).normal(size=(3, STATE_DIM)).astype(np.float32)
IDS = np.arange(3)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> NewtAgent:
    return make_agent(monkeypatch)


def make_agent(monkeypatch: pytest.MonkeyPatch, seed: int = 0) -> NewtAgent:
    """An agent whose rewards and values depend on what it does."""
    monkeypatch.setitem(SIZES, "2M", TINY)
    made = NewtAgent(
        ModelConfig(size="2M"),
        PlannerConfig(num_samples=16, policy_trajectories=4, num_elites=4, iterations=2),
        UpdateConfig(batch_size=8, lr=1e-2, encoder_lr=1e-2),
        table(),
        device=torch.device("cpu"),
        seed=seed,
    )
    made.model.load_state_dict(model(seed=seed).state_dict())
    return made


def act(
    actor: Actor, *, first: bool | list[bool] = False, ids: list[int] | None = None
) -> FloatArray:
    begins = np.array(first) & np.ones(3, np.bool_)
    return actor(Observation(OBS, TASK, IDS if ids is None else np.array(ids), begins))


def actor_of(agent: NewtAgent, seed: int = 0, **settings: bool) -> Actor:
    return Actor(agent, 6, seed=seed, settings=ActorSettings(**settings))


def foreseen(split: SplitModel) -> torch.Tensor:
    """Rewards, latents and values of three actions."""
    z, action = torch.full((3, 16), 0.125), torch.full((3, 1, 6), 0.5)
    bound = split.bind(torch.as_tensor(TASK))
    with torch.no_grad():
        reward, latent = bound.first_step(z, action)
        value = bound.value(latent, torch.zeros_like(action), torch.tensor([0, 1]))
    return torch.cat([reward, value, latent.squeeze(1)], dim=1)


def test_who_only_acts_makes_no_optimisers(agent: NewtAgent) -> None:
    act(actor_of(agent), first=True)
    assert agent.version == 0
    assert "learner" not in vars(agent)
    agent.learner.update(batch())
    assert agent.version == 1


def test_plans_are_made_with_the_weights_after_an_update(agent: NewtAgent) -> None:
    old = agent.planning_snapshot()
    before = foreseen(old)
    assert agent.planning_snapshot() is old, "arranged once for many plans"
    places = addresses(old)
    agent.learner.update(batch())
    assert torch.equal(foreseen(old), before), "an update tears no plan that is being made"
    after = foreseen(agent.planning_snapshot())
    torch.testing.assert_close(after, foreseen(SplitModel(agent.model)), atol=0, rtol=0)
    assert float((after - before).abs().max()) > 1e-3
    assert agent.planning_snapshot() is old
    assert (old.version, addresses(old)) == (1, places), "new weights lie where the old ones did"


def test_weights_that_had_learned_before_the_first_plan_are_arranged_once(
    agent: NewtAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.learner.update(batch())
    first = agent.planning_snapshot()
    assert first.version == 1
    monkeypatch.setattr(SplitModel, "refresh", lambda *_: pytest.fail("arranged again"))
    assert agent.planning_snapshot() is first


def addresses(split: SplitModel) -> list[int]:
    parts = (split.dynamics, split.reward, split.policy, split.q)
    found = [tensor.data_ptr() for part in parts for tensor in part.tensors()]
    assert len(set(found)) == len(found) == 13 + 3 * 11
    return found


def test_plans_are_made_with_the_weights_that_were_loaded(
    agent: NewtAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = foreseen(agent.planning_snapshot())
    other = make_agent(monkeypatch, seed=1)
    agent.load_state_dict(copy.deepcopy(other.state_dict()))
    after = foreseen(agent.planning_snapshot())
    torch.testing.assert_close(after, foreseen(other.planning_snapshot()), atol=0, rtol=0)
    assert float((after - before).abs().max()) > 1e-3


def test_an_actor_acts_on_the_weights_after_an_update(
    agent: NewtAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, twin = actor_of(agent), actor_of(agent)
    act(actor, first=True), act(twin, first=True)
    agent.learner.update(batch())
    learned = make_agent(monkeypatch)
    learned.load_state_dict(copy.deepcopy(agent.state_dict()))
    fresh = actor_of(learned)
    fresh.load_state_dict(copy.deepcopy(twin.state_dict()))
    assert np.array_equal(act(actor), act(fresh))


def test_a_plan_begins_with_the_one_before_unless_an_episode_does(agent: NewtAgent) -> None:
    going_on, begun, one_begun = (actor_of(agent) for _ in range(3))
    for actor in (going_on, begun, one_begun):
        act(actor, first=True)
    on, anew = act(going_on), act(begun, first=True)
    for row in range(3):
        assert not np.array_equal(on[row], anew[row]), row
    mixed = act(one_begun, first=[False, True, False])
    assert np.array_equal(mixed, np.stack([on[0], anew[1], on[2]]))


def test_each_environment_has_a_plan_of_its_own(agent: NewtAgent) -> None:
    going_on, begun, elsewhere = (actor_of(agent) for _ in range(3))
    for actor in (going_on, begun, elsewhere):
        act(actor, first=True)
    on, anew = act(going_on), act(begun, first=True)
    # Environments 3 and 4 have never been acted in: nothing was planned there.
    there = act(elsewhere, ids=[0, 3, 4])
    assert np.array_equal(there, np.stack([on[0], anew[1], anew[2]]))


@pytest.mark.parametrize(
    "settings", [{}, {"explore": True}, {"explore": True, "policy_only": True}]
)
def test_a_restored_actor_goes_on_as_the_one_that_was_saved(
    agent: NewtAgent, settings: dict[str, bool]
) -> None:
    saved, other = actor_of(agent, **settings), actor_of(agent, seed=1, **settings)
    act(saved, first=True), act(saved)
    state = copy.deepcopy(saved.state_dict())
    expected = [act(saved) for _ in range(4)]
    assert not np.array_equal(act(other), expected[0])
    other.load_state_dict(state)
    for each in expected:
        assert np.array_equal(act(other), each)


def test_the_policy_explores_only_when_asked(agent: NewtAgent) -> None:
    quiet = actor_of(agent, policy_only=True)
    one, two = act(quiet), act(quiet)
    assert np.array_equal(one, two)
    loud = actor_of(agent, policy_only=True, explore=True)
    drawn = act(loud)
    assert not np.array_equal(drawn, one)
    assert not np.array_equal(drawn, act(loud))
    for actions in (one, drawn):
        for row, valid in enumerate((1, 4, 6)):
            assert np.all(actions[row, :valid] != 0)
            assert np.all(actions[row, valid:] == 0)
    alike = Observation(OBS[[2, 2, 2]], TASK[[2, 2, 2]], IDS, np.zeros(3, np.bool_))
    assert len(np.unique(loud(alike), axis=0)) == 3, "each environment has its own noise"


def test_a_plan_can_be_had_whole_and_begins_with_the_action(agent: NewtAgent) -> None:
    whole, actor = actor_of(agent), actor_of(agent)
    begins = Observation(OBS, TASK, IDS, np.ones(3, np.bool_))
    plan = whole.plan(begins)
    horizon = agent.planner_config.horizon
    assert plan.actions.shape[:2] == (horizon, 3)
    width = plan.actions.shape[2]
    np.testing.assert_array_equal(plan.actions[0].numpy(), act(actor, first=True)[:, :width])
    # Both have kept their plans: the next ones begin with them.
    np.testing.assert_array_equal(act(whole), act(actor))
    # Episodes at different steps plan apart, and come back in the observation's order.
    numbered = replace(begins, first=np.array([True, False, True]), episode=np.arange(3))
    together = actor_of(agent).plan(numbered)
    for row in range(3):
        pick = np.array([row])
        alone = Observation(OBS[pick], TASK[pick], IDS[pick], numbered.first[pick], None, pick)
        one = actor_of(agent).plan(alone)
        torch.testing.assert_close(one.actions[:, 0], together.actions[:, row], atol=1e-5, rtol=0)
