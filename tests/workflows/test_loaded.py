"""An agent in other programs: where its episodes begin and end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.setup import task_table
from newt_core.errors import InvalidActionError, NewtError, NoEpisodeError, UnknownTaskError
from newt_core.model.config import ModelConfig
from newt_core.planner.config import PlannerConfig
from newt_core.types import FloatArray
from newt_core.workflows.loaded_agent import LoadedAgent
from tests.fixtures.demonstrations import demo_spec

SPECS = [demo_spec("walk"), demo_spec("run", episode_length=3)]
WALK = SPECS[0].episode_length
OBS = np.random.default_rng(0).normal(size=(WALK, 5)).astype(np.float32)
"""[T, obs_dim] an episode of either task."""


@pytest.fixture(scope="module")
def newt() -> NewtAgent:
    planner = PlannerConfig(num_samples=16, policy_trajectories=2, num_elites=4, iterations=2)
    text = np.random.default_rng(1).normal(size=(2, 512)).astype(np.float32)
    return NewtAgent(
        ModelConfig(size="2M"),
        planner,
        UpdateConfig(),
        task_table(SPECS, text),
        device=torch.device("cpu"),
    )


def fresh(newt: NewtAgent) -> tuple[LoadedAgent, Actor]:
    actor = Actor(newt, len(SPECS), seed=0, settings=ActorSettings())
    return LoadedAgent(newt, actor, SPECS), actor


def play(agent: LoadedAgent, steps: int, task: str = "walk") -> FloatArray:
    """Return the actions of some steps, [steps, action_dim]."""
    return np.stack([agent.act(obs, task) for obs in OBS[:steps]])


def with_the_noise_of_the_beginning(actor: Actor, newt: NewtAgent) -> None:
    """Let an actor draw what it drew when it was new, and keep its plans."""
    _, other = fresh(newt)
    actor.load_state_dict(other.state_dict() | {"mean": actor.state_dict()["mean"].clone()})


@pytest.mark.parametrize("played", [5, WALK])
@pytest.mark.parametrize("announce", ["reset", "first"])
def test_an_episode_that_is_announced_is_played_as_by_a_new_agent(newt, played, announce):
    expected = play(fresh(newt)[0], 6)
    agent, actor = fresh(newt)
    play(agent, played)
    with_the_noise_of_the_beginning(actor, newt)
    if announce == "reset":
        agent.reset("walk")
        np.testing.assert_array_equal(play(agent, 6), expected)
    else:
        action = agent.act(OBS[0], "walk", first=True)
        np.testing.assert_array_equal(action, expected[0])
    # What would be otherwise: the same noise around another plan is another action.
    agent, actor = fresh(newt)
    play(agent, 5)
    with_the_noise_of_the_beginning(actor, newt)
    assert not np.array_equal(agent.act(OBS[0], "walk"), expected[0])


def test_planning_and_the_policy_alone_can_take_turns(newt):
    def by_policy(seed: int) -> LoadedAgent:
        settings = ActorSettings(policy_only=True)
        actor = Actor(newt, len(SPECS), seed=seed, settings=settings)
        return LoadedAgent(newt, actor, SPECS, policy_only=True)

    expected = play(by_policy(0), 3)
    agent, actor = fresh(newt)
    planned = agent.act(OBS[0], "walk")
    agent.reset("walk")
    found = [agent.act(obs, "walk", policy_only=True) for obs in OBS[:3]]
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(planned, expected[0])
    # The plan of before is not that of the step before any more.
    with_the_noise_of_the_beginning(actor, newt)
    np.testing.assert_array_equal(agent.act(OBS[0], "walk"), planned)
    # An agent that was loaded for its policy can plan as well.
    np.testing.assert_array_equal(by_policy(0).act(OBS[0], "walk", policy_only=False), planned)


def test_an_episode_after_a_whole_one_has_to_be_announced(newt):
    agent, _ = fresh(newt)
    play(agent, WALK)
    for first in (None, False):
        with pytest.raises(NoEpisodeError, match=r"12 steps.*agent\.reset\('walk'\)") as error:
            agent.act(OBS[0], "walk", first=first)
    assert isinstance(error.value, NewtError)
    play(agent, 3, "run")  # Another task's episodes are its own affair.
    with pytest.raises(NoEpisodeError, match=r"3 steps.*agent\.reset\('run'\)"):
        play(agent, 1, "run")
    agent.reset("walk")
    assert play(agent, WALK).shape == (WALK, 2)
    with pytest.raises(NoEpisodeError):
        play(agent, 1, "run")


def test_an_observation_that_is_refused_is_no_step(newt):
    agent, _ = fresh(newt)
    for _ in range(WALK + 1):
        with pytest.raises(InvalidActionError):
            agent.act(OBS[0, :2], "walk")
    np.testing.assert_array_equal(play(agent, WALK), play(fresh(newt)[0], WALK))


def test_only_tasks_it_knows_can_be_reset(newt):
    with pytest.raises(UnknownTaskError, match="Did you mean 'walk'"):
        fresh(newt)[0].reset("wlak")


def test_the_value_is_that_of_the_newest_action(newt):
    agent, _ = fresh(newt)
    with pytest.raises(NoEpisodeError, match="has not acted in 'walk' yet"):
        agent.value("walk")
    play(agent, 3)
    action = agent.act(OBS[3], "walk")
    play(agent, 1, "run")
    state, padded = torch.zeros(1, 128), torch.zeros(1, 16)
    state[0, :5] = torch.from_numpy(OBS[3])
    padded[0, : len(action)] = torch.from_numpy(action)
    with torch.no_grad():
        bound = newt.model.bind(torch.tensor([0]))
        heads = bound.q_value(bound.encode(state), padded, torch.arange(newt.model.size.num_q))
    assert agent.value("walk") == pytest.approx(float(heads.mean()), abs=1e-6)


def test_an_agent_without_values_says_so():
    class Model:
        obs, feature_stack, image_encoder = "state", 0, None

    agent = LoadedAgent(Model(), lambda seen: np.zeros((1, 16), np.float32), SPECS)  # type: ignore[arg-type]
    agent.act(OBS[0], "walk")
    assert agent.value("walk") is None
