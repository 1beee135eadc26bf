"""FastTD3's targets and losses, as functions (C51: Bellemare et al., 2017; TD3: Fujimoto, 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.fasttd3.networks import FastTD3Networks


@dataclass(frozen=True)
class Transitions:
    """B transitions of up to n steps each."""

    state: Tensor
    """[B, S]."""
    action: Tensor
    """[B, A]."""
    reward: Tensor
    """[B] discounted and summed."""
    next_state: Tensor
    """[B, S] after the last of the steps."""
    discount: Tensor
    """[B] the task's, to the power of the steps."""
    task: Tensor
    """[B]."""


def project(probabilities: Tensor, values: Tensor, atoms: Tensor) -> Tensor:
    """Move distributions onto atoms, each mass to the two nearest, so that the mean is kept.

    Args:
        probabilities: [B, atoms].
        values: [B, atoms] where these masses are; those beyond the atoms move to the outermost.
        atoms: [atoms] evenly spaced.

    Returns:
        [B, atoms].
    """
    gap = atoms[1] - atoms[0]
    # Clamped last: rounding must not put anything beyond the outermost atoms.
    place = ((values - atoms[0]) / gap).clamp(0, len(atoms) - 1)
    lower = place.floor().clamp(max=len(atoms) - 2)
    share, index = place - lower, lower.long()
    out = torch.zeros_like(probabilities)
    out.scatter_add_(-1, index, probabilities * (1 - share))
    out.scatter_add_(-1, index + 1, probabilities * share)
    return out


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
    first, second = made @ networks.atoms
    lower = torch.where((first < second)[:, None], made[0], made[1])
    return torch.stack([lower, lower])


def critic_loss(networks: FastTD3Networks, batch: Transitions, target: Tensor) -> Tensor:
    """Cross-entropy [] of both critics' distributions with the targets [2, B, atoms], summed."""
    logits = networks.logits(networks.see(batch.state), batch.task, batch.action)
    return -(target * logits.log_softmax(-1)).sum(-1).mean(-1).sum()


def actor_loss(networks: FastTD3Networks, batch: Transitions, config: FastTD3Config) -> Tensor:
    """Minus the value [] of the actor's own actions: the lower of the means, or their average."""
    seen = networks.see(batch.state)
    action = networks.act(seen, batch.task)
    means = networks.logits(seen, batch.task, action).softmax(-1) @ networks.atoms
    value = means.amin(0) if config.clipped_double_q else means.mean(0)
    return -value.mean()
