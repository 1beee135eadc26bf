"""How wrong the model is by depth, along real episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.planning.policy import Episode, Policy, discounted_rest
from newt_core.agents.newt.agent import NewtAgent
from newt_core.evaluation.imagination import imagination_errors
from newt_core.evaluation.traces import Trace, states


def model_errors(agent: NewtAgent, policy: Policy, episodes: Sequence[Episode]) -> dict[str, Any]:
    """Errors of latents, rewards and values by depth along real episodes, and values themselves.

    A latent's error is compared with that of not predicting anything: the latent it began from
    ("standing still"), and the episode's mean. A value's is what the latent's error makes of it.
    """
    traces = [
        Trace(states(episode.obs, policy.index), episode.actions, episode.rewards)
        for episode in episodes
    ]
    errors = imagination_errors(agent, traces, agent.planner_config.horizon)
    heads = torch.arange(agent.planning_snapshot().num_q)
    values, returns = [], []
    for episode in episodes:
        half = len(episode.rewards) // 2
        bound = agent.model.bind(torch.full((half,), policy.index))
        action = torch.from_numpy(episode.actions[:half])
        values.append(bound.q_value(policy.encode(episode.obs[:half]), action, heads).mean(0))
        discount = float(agent.model.discount[policy.index])
        returns.append(discounted_rest(episode.rewards, discount)[:half])
    value, rest = torch.cat(values).numpy(), np.concatenate(returns)
    correlation = float(np.corrcoef(value, rest)[0, 1]) if rest.std() > 1e-9 else None
    return {
        "latent_mse_by_depth": [round(float(x), 7) for x in errors.latent],
        "latent_mse_of_the_episodes_mean": round(errors.latent_of_the_mean, 7),
        "latent_mse_of_standing_still": [round(float(x), 7) for x in errors.latent_standing_still],
        "reward_error_by_depth": [round(float(x), 5) for x in errors.reward],
        "value_error_by_depth": [round(float(x), 4) for x in errors.value],
        "value_mean": round(float(value.mean()), 4),
        "return_mean": round(float(rest.mean()), 4),
        "value_return_correlation": correlation,
    }
