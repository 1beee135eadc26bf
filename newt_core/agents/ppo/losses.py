"""PPO's advantages and losses, as functions (Schulman et al., 2017; GAE: 2016)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from newt_core.agents.ppo.config import PPOConfig
from newt_core.agents.ppo.network import ActorCritic

_TINY = 1e-8
"""Added to the advantages' standard deviation."""


def advantages(
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    discount: Tensor,
    end: Tensor,
    gae_lambda: float,
) -> Tensor:
    """Generalised advantage estimates of T steps in E environments.

    Args:
        reward: [T, E].
        value: [T, E] of the observations acted on.
        next_value: [T, E] of those that the actions led to; 0 beyond a terminal state.
        discount: [E] of each environment's task.
        end: [T, E] whether an episode ends with the step: what follows belongs to another one.
        gae_lambda: λ; 0 looks one step ahead, 1 to the end.

    Returns:
        [T, E].
    """
    delta = reward + discount * next_value - value
    goes_on = discount * gae_lambda * (~end).to(delta.dtype)
    found, carried = torch.empty_like(delta), torch.zeros_like(delta[0])
    for step in reversed(range(len(delta))):
        carried = delta[step] + goes_on[step] * carried
        found[step] = carried
    return found


@dataclass(frozen=True)
class Samples:
    """Steps to learn from, N in all."""

    state: Tensor
    """[N, S]."""
    task: Tensor
    """[N]."""
    raw: Tensor
    """[N, A] what was drawn, before the squash."""
    log_prob: Tensor
    """[N] of that, as the policy was."""
    value: Tensor
    """[N] of the state, as the critic was."""
    advantage: Tensor
    """[N]."""

    def of_rows(self, rows: Tensor) -> Samples:
        """Return some of them."""
        return Samples(*(getattr(self, each.name)[rows] for each in fields(self)))


def ppo_loss(
    network: ActorCritic, batch: Samples, config: PPOConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Clipped surrogate, half the squared error of the values, and entropy.

    Returns:
        The loss [], and detached scalars named ``part/what``.
    """
    policy = network.policy(batch.state, batch.task)
    log_ratio = policy.log_prob(batch.raw) - batch.log_prob
    ratio = log_ratio.exp()
    gain = batch.advantage
    gain = (gain - gain.mean()) / (gain.std() + _TINY)
    clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
    surrogate = -torch.minimum(gain * ratio, gain * clipped).mean()

    value, target = network.value(batch.state, batch.task), batch.advantage + batch.value
    error = (value - target).square()
    if config.value_clip:
        near = batch.value + (value - batch.value).clamp(-config.clip, config.clip)
        error = torch.maximum(error, (near - target).square())
    value_loss = 0.5 * error.mean()
    entropy = policy.entropy().mean()
    total = surrogate + config.value_coef * value_loss - config.entropy_coef * entropy
    with torch.no_grad():
        metrics = {
            "loss/policy": surrogate,
            "loss/value": value_loss,
            "policy/entropy": entropy,
            "policy/kl": (-log_ratio).mean(),
            "policy/kl_low_variance": (ratio - 1 - log_ratio).mean(),
            "policy/clipped": ((ratio - 1).abs() > config.clip).float().mean(),
        }
    return total, {name: value.detach() for name, value in metrics.items()}
