"""`planner.enabled=false`: the policy acts, while it learns and in evaluations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from newt_core.agents.base import Acting
from newt_core.agents.newt import actor as acting
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.config import ModelConfig
from newt_core.planner.config import PlannerConfig
from newt_core.types import STATE_DIM, Observation
from tests.fixtures.models import table
from tests.fixtures.trainers import PointRun, point_config

pytestmark = pytest.mark.usefixtures("tiny_networks")


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the plans that are made."""
    made = [0]
    plan = acting.plan_in_chunks

    def counted(*arguments, **named):
        made[0] += 1
        return plan(*arguments, **named)

    monkeypatch.setattr(acting, "plan_in_chunks", counted)
    return made


def test_nothing_is_planned_during_interaction_and_the_policy_explores(tmp_path, plans):
    config = point_config(planner__enabled=False, evaluation__every=0)
    _, trainer = PointRun(tmp_path / "policy", config).run()
    assert plans == [0]
    assert trainer.agent.updates > 0
    PointRun(tmp_path / "plans", point_config(evaluation__every=0)).run()
    assert plans[0] > 0


def agent(*, enabled: bool) -> NewtAgent:
    planner = PlannerConfig(
        enabled=enabled, num_samples=8, policy_trajectories=2, num_elites=2, iterations=1
    )
    made = NewtAgent(
        ModelConfig(size="2M"), planner, UpdateConfig(), table(), device=torch.device("cpu")
    )
    with torch.no_grad():
        for weights in made.model.parameters():
            weights.add_(0.05)
    return made


def test_evaluations_act_by_the_policy_and_say_so(plans):
    here = np.arange(3)
    seen = Observation(
        state=np.random.default_rng(0).normal(size=(3, STATE_DIM)).astype(np.float32),
        task=here,
        env_ids=here,
        first=np.ones(3, bool),
    )
    without, with_it = agent(enabled=False), agent(enabled=True)
    acted = without.player(3, seed=0, how=Acting())(seen)
    assert plans == [0]
    by_policy = with_it.player(3, seed=0, how=Acting(policy_only=True))(seen)
    np.testing.assert_array_equal(acted, by_policy)
    assert not np.array_equal(acted, with_it.player(3, seed=0, how=Acting())(seen))
    assert plans == [1]
    assert (without.mode(Acting()), with_it.mode(Acting())) == ("policy", "planning")
    # What is asked for by name is done all the same.
    assert without.mode(Acting(open_loop=4)) == "open-loop planning, 4 steps"
