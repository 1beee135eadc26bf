"""BRC's targets and losses, as functions (section 3; SAC: Haarnoja et al., 2018; C51: 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from newt_core.agents.brc.networks import BRCNetworks
from newt_core.agents.off_policy.atoms import cross_entropy, mean, project
from newt_core.agents.off_policy.ring import Transitions


@torch.no_grad()
def target_distribution(networks: BRCNetworks, batch: Transitions, noise: Tensor) -> Tensor:
    """Return what both critics are to say of a batch, [B, atoms].

    The target critics' average distribution, not the lower of the two, moved by reward, discount
    and the entropy of the next action. With n > 1, that of the actions between is left out.

    Args:
        networks: Of which the actor and the target critics are used.
        batch: All ends in Newt are time-outs, so every target bootstraps.
        noise: [B, A] standard normal, the next actions are drawn with.
    """
    seen = networks.see(batch.next_state)
    policy = networks.policy(seen, batch.task)
    raw = policy.sample(noise)
    bonus = -networks.temperature * policy.log_prob(raw)
    found = networks.logits(seen, batch.task, policy.action(raw), target=True).softmax(-1).mean(0)
    ahead = networks.atoms + bonus[:, None]
    values = batch.reward[:, None] + batch.discount[:, None] * ahead
    return project(found, values, networks.atoms)


def critic_loss(networks: BRCNetworks, batch: Transitions, noise: Tensor) -> Tensor:
    """Cross-entropy [] of both critics' distributions with their target, summed.

    Args:
        networks: All.
        batch: B transitions.
        noise: See :func:`target_distribution`.
    """
    target = target_distribution(networks, batch, noise)
    logits = networks.logits(networks.see(batch.state), batch.task, batch.action)
    return cross_entropy(logits, target)


def actor_loss(networks: BRCNetworks, batch: Transitions, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Minus the value of the actor's own actions and of their entropy.

    Args:
        networks: All.
        batch: Of which states and tasks are used.
        noise: [B, A] standard normal, the actions are drawn with.

    Returns:
        The loss [], and the entropy [B] as the actions' own densities estimate it, detached.
    """
    seen = networks.see(batch.state)
    policy = networks.policy(seen, batch.task)
    raw = policy.sample(noise)
    log_prob = policy.log_prob(raw)
    found = networks.logits(seen, batch.task, policy.action(raw)).softmax(-1).mean(0)
    value = mean(found, networks.atoms)
    loss = (networks.temperature.detach() * log_prob - value).mean()
    return loss, -log_prob.detach()


def temperature_loss(networks: BRCNetworks, entropy: Tensor, task: Tensor) -> Tensor:
    """Loss [] that raises the temperature where entropies [B] of tasks [B] are below the target."""
    return networks.temperature * (entropy - networks.target_entropy[task]).mean()
