"""Agents that interact learn, in a few thousand steps, to hold a point at the origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from newt_core.agents.base import Acting
from newt_core.agents.fasttd3 import networks
from newt_core.agents.policy_agent import PolicyAgent
from newt_core.evaluation.rollout import evaluate, random_act
from newt_core.training import online
from newt_core.types import Act
from tests.fixtures.point_pool import PointPool, point_task
from tests.fixtures.trainers import PointRun, point_config

TASK = point_task("origin", 20)
OPTIONS = {
    "ppo": "{width: 32, rollout: 20, minibatches: 4, gae_lambda: 0.9}",
    "fasttd3": "{batch_size: 64, ring: 1000, n_step: 3, target_noise: 0.1, lr: 0.001}",
    "brc": "{critic_width: 32, actor_width: 32, batch_size: 64, ring: 1000, learning_starts: 20,"
    " n_step: 3, target_ema: 0.05, lr: 0.001}",
}
STEPS = {"ppo": 4_000, "fasttd3": 4_000, "brc": 4_000}


def mean_return(act: Act) -> float:
    results = evaluate(act, [TASK], 20, pool=PointPool([TASK] * 4), seed=5)
    return float(np.mean([each.episode_return for each in results]))


@pytest.mark.parametrize("kind", OPTIONS)
def test_it_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setattr(online, "LOG_SECONDS", 1e9)
    monkeypatch.setattr(networks, "ACTOR_WIDTHS", (32, 32))
    monkeypatch.setattr(networks, "CRITIC_WIDTHS", (32, 32))
    config = point_config(
        agent__kind=kind,
        agent__options=OPTIONS[kind],
        steps=STEPS[kind],
        envs_per_task=8,
        evaluation__every=0,
        checkpoint__every=1_000_000,
    )
    run = PointRun(tmp_path, config, tasks=[TASK])
    _, trainer = run.run()
    agent = trainer.parts["agent"]
    assert isinstance(agent, PolicyAgent)
    learned = mean_return(agent.player(4, seed=0, how=Acting()))
    chance = mean_return(random_act([TASK], seed=0))
    assert learned > chance + 4.0
