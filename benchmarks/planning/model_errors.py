"""How wrong the model is by depth, along real episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.planning.policy import Episode, Policy, discounted_rest, own_action
from newt_core.agents.newt.agent import NewtAgent
from newt_core.model.discrete import two_hot_mean


def model_errors(agent: NewtAgent, policy: Policy, episodes: Sequence[Episode]) -> dict[str, Any]:
    """Errors of latents, rewards and values by depth along real episodes.

    A latent's error is compared with that of not predicting anything: the latent it began from
    ("standing still"), and the episode's mean. A value's is what the latent's error makes of it.
    """
    horizon, index = agent.planner_config.horizon, policy.index
    latent_error = np.zeros((len(episodes), horizon))
    moved, reward_error = latent_error.copy(), latent_error.copy()
    value_error = latent_error.copy()
    heads = torch.arange(agent.planning_snapshot().num_q)
    values, returns, variance = [], [], []
    for row, episode in enumerate(episodes):
        real = policy.encode(episode.obs)
        variance.append(float(real.var(0, correction=0).mean()))
        length = len(episode.rewards) - horizon + 1
        bound = agent.model.bind(torch.full((length,), index))
        z = real[:length]
        for depth in range(horizon):
            action = torch.from_numpy(episode.actions[depth : depth + length])
            reward = two_hot_mean(bound.reward_logits(z, action)).numpy()
            reward_error[row, depth] = np.abs(reward - episode.rewards[depth:][:length]).mean()
            z = bound.next(z, action)
            goal = real[depth + 1 :][:length]
            latent_error[row, depth] = float((z - goal).square().mean())
            moved[row, depth] = float((goal - real[:length]).square().mean())
            stood, led = (bound.q_value(x, own_action(bound, x), heads).mean(0) for x in (goal, z))
            value_error[row, depth] = float((led - stood).abs().mean())
        half = len(episode.rewards) // 2
        bound = agent.model.bind(torch.full((half,), index))
        action = torch.from_numpy(episode.actions[:half])
        values.append(bound.q_value(real[:half], action, heads).mean(0).numpy())
        returns.append(discounted_rest(episode.rewards, float(agent.model.discount[index]))[:half])
    value, rest = np.concatenate(values), np.concatenate(returns)
    correlation = float(np.corrcoef(value, rest)[0, 1]) if rest.std() > 1e-9 else None
    return {
        "latent_mse_by_depth": [round(float(x), 7) for x in latent_error.mean(0)],
        "latent_mse_of_the_episodes_mean": round(float(np.mean(variance)), 7),
        "latent_mse_of_standing_still": [round(float(x), 7) for x in moved.mean(0)],
        "reward_error_by_depth": [round(float(x), 5) for x in reward_error.mean(0)],
        "value_error_by_depth": [round(float(x), 4) for x in value_error.mean(0)],
        "value_mean": round(float(value.mean()), 4),
        "return_mean": round(float(rest.mean()), 4),
        "value_return_correlation": correlation,
    }
