"""FastTD3's targets and losses, as functions (C51: Bellemare et al., 2017; TD3: Fujimoto, 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.fasttd3.networks import FastTD3Networks
from newt_core.agents.off_policy.atoms import cross_entropy, mean, project
from newt_core.agents.off_policy.ring import Transitions


@torch.no_grad()
def target_distributions(
    networks: FastTD3Networks, batch: Transitions, noise: Tensor, config: FastTD3Config
) -> Tensor:
    """Return what each critic is to say of a batch: [2, B, atoms].

    Args:
        networks: Of which the actor and the target critics are used.
        batch: All ends in Newt are time-outs, so every target bootstraps.
        noise: [B, A] standard normal, on the actions.
        config: Noise, and whether the lower mean serves both.
    """
    seen = networks.see(batch.next_state)
    bound = config.target_noise_clip
    noise = (config.target_noise * noise).clamp(-bound, bound)
    action = (networks.act(seen, batch.task) + noise).clamp(-1.0, 1.0)
    found = networks.logits(seen, batch.task, action, target=True).softmax(-1)
    values = batch.reward[:, None] + batch.discount[:, None] * networks.atoms
    made = torch.stack([project(each, values, networks.atoms) for each in found])
    if not config.clipped_double_q:
        return made
    first, second = mean(made, networks.atoms)
    lower = torch.where((first < second)[:, None], made[0], made[1])
    return torch.stack([lower, lower])


def critic_loss(
    networks: FastTD3Networks, batch: Transitions, noise: Tensor, config: FastTD3Config
) -> Tensor:
    """Cross-entropy [] of both critics' distributions with their targets, summed.

    Args:
        networks: All.
        batch: See :func:`target_distributions`; so for the noise.
        noise: [B, A].
        config: How targets are made.
    """
    target = target_distributions(networks, batch, noise, config)
    logits = networks.logits(networks.see(batch.state), batch.task, batch.action)
    return cross_entropy(logits, target)


def actor_loss(networks: FastTD3Networks, batch: Transitions, config: FastTD3Config) -> Tensor:
    """Minus the value [] of the actor's own actions: the lower of the means, or their average."""
    seen = networks.see(batch.state)
    action = networks.act(seen, batch.task)
    means = mean(networks.logits(seen, batch.task, action).softmax(-1), networks.atoms)
    value = means.amin(0) if config.clipped_double_q else means.mean(0)
    return -value.mean()
