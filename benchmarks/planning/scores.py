"""Whole episodes in several ways of acting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.evaluation.aggregate import summarise
from newt_core.evaluation.rollout import evaluate
from newt_core.planner.config import PlannerConfig
from newt_core.specs import TaskSpec
from newt_core.types import FloatArray, Observation


@dataclass(frozen=True)
class Way:
    """A way of acting."""

    prior_weight: float | None = None
    """As planning is told; None for the policy alone."""
    take: Literal["drawn", "mean"] = "drawn"
    """An elite drawn by its weight, as published, or the weighted mean of all."""
    planner: dict[str, Any] = field(default_factory=dict)
    """Settings of the planner other than the checkpoint's."""
    noise: float = 0.0
    """Std of noise added to every action: what merely leaving the policy costs."""


_LARGE = {"num_samples": 256, "policy_trajectories": 16, "iterations": 4, "num_elites": 32}

WAYS: dict[str, Way] = {
    "policy": Way(),
    "policy-noise-0.02": Way(noise=0.02),
    "policy-noise-0.05": Way(noise=0.05),
    "policy-noise-0.1": Way(noise=0.1),
    "constrained": Way(1.0),
    "constrained-mean": Way(1.0, "mean"),
    "constrained-sharp": Way(1.0, planner={"temperature": 10.0}),
    "constrained-large": Way(1.0, planner=_LARGE),
    "constrained-std-0.02": Way(1.0, planner={"min_std": 0.02}),
    "constrained-std-0.01": Way(1.0, planner={"min_std": 0.01}),
    "constrained-own": Way(1.0, planner={"policy_trajectories": 60, "iterations": 1}),
    "free": Way(0.0),
    "free-mean": Way(0.0, "mean"),
    "free-large": Way(0.0, planner=_LARGE),
}


def score(
    agent: NewtAgent, specs: Sequence[TaskSpec], way: Way, episodes: int, seed: int
) -> dict[str, Any]:
    """Play episodes of all tasks in one way."""
    usual = agent.planner_config
    agent.planner_config = PlannerConfig.model_validate(usual.model_dump() | way.planner)
    settings = ActorSettings(policy_only=way.prior_weight is None, prior_weight=way.prior_weight)
    actor = Actor(agent, len(specs) * episodes, seed=seed, settings=settings)
    generator = np.random.default_rng(seed)
    masks = np.stack([spec.action_mask for spec in specs])

    def act(observation: Observation) -> FloatArray:
        # Without the episodes' numbers: noise is drawn anew at every step.
        actions = actor(replace(observation, episode=None))
        task, env_ids = observation.task, observation.env_ids
        if way.take == "mean" and way.prior_weight is not None:
            # The refitted mean, which the actor keeps for its next plan.
            mean = actor.state_dict()["mean"][0, torch.from_numpy(env_ids)]
            actions[:, : mean.shape[-1]] = mean.numpy()
        if way.noise:
            noise = generator.normal(0.0, way.noise, actions.shape) * masks[task]
            actions = np.clip(actions + noise, -1.0, 1.0).astype(np.float32)
        return actions

    try:
        results = evaluate(act, specs, episodes, envs_per_task=episodes, workers=1, seed=seed)
    finally:
        agent.planner_config = usual
    summary = summarise(results, specs, mode="policy" if way.prior_weight is None else "planning")
    return {
        "score": summary.total.score,
        "ci95": summary.total.ci95,
        "tasks": {
            task: {"score": shown.score, "ci95": shown.ci95, "return": shown.mean_return}
            for task, shown in summary.tasks.items()
        },
    }
