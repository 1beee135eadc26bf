"""MPPI written down plainly: every network sees its whole concatenated input.

Nothing is shared between samples, iterations or time steps, and all Q heads are evaluated.
"""

from __future__ import annotations

import torch
from torch import Tensor

from newt_core.model.world_model import WorldModel
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import PlanNoise

from . import discrete
from .networks import mlp, q_logits
from .policy import PlainPolicy


def _join(*parts: Tensor) -> Tensor:
    """Concatenate [E, M, ·] blocks along their last axis."""
    return torch.cat(parts, dim=-1)


class PlainMPPI:
    """Plans for E environments; a subclass says on what."""

    mask: Tensor
    """[E, 1, A]."""
    discount: Tensor
    """[E, 1]."""

    def policy(self, z: Tensor, noise: Tensor) -> Tensor:
        """The prior's actions: [E, M, L], [E, M, A] → [E, M, A]."""
        raise NotImplementedError

    def step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """One step: [E, M, L], [E, M, A] → rewards [E, M] and latents [E, M, L]."""
        raise NotImplementedError

    def q(self, z: Tensor, action: Tensor) -> Tensor:
        """Every head's value: [E, M, L], [E, M, A] → [n, E, M]."""
        raise NotImplementedError

    def value(self, z: Tensor, actions: Tensor, noise: Tensor, heads: Tensor) -> Tensor:
        """Discounted rewards of actions [H, E, N, A] plus the value at the horizon: [E, N]."""
        total, discount = torch.zeros_like(actions[0, :, :, 0]), torch.ones_like(self.discount)
        for action in actions:
            reward, z = self.step(z, action)
            total = total + discount * reward
            discount = discount * self.discount
        values = self.q(z, self.policy(z, noise))
        one, other = heads.tolist()
        return total + discount * (values[one] + values[other]) / 2

    @torch.no_grad()
    def plan(
        self,
        z0: Tensor,
        mean: Tensor,
        noise: PlanNoise,
        config: PlannerConfig,
        *,
        prior_weight: float = 0.0,
        explore: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the chosen actions, mean and std, [H, E, A] each."""
        horizon = mean.shape[0]
        mask = self.mask.squeeze(1)
        std = torch.full_like(mean, config.max_std)
        prior_actions = torch.zeros_like(noise.prior)
        if config.policy_trajectories:
            z = z0.unsqueeze(1).repeat(1, config.policy_trajectories, 1)
            for t in range(horizon):
                prior_actions[t] = self.policy(z, noise.prior[t])
                _, z = self.step(z, prior_actions[t])
            prior_std = prior_actions.std(2).clamp(config.min_std, config.max_std)
            mean = prior_weight * prior_actions.mean(2) + (1 - prior_weight) * mean
            std = prior_weight * prior_std + (1 - prior_weight) * std
        z = z0.unsqueeze(1).repeat(1, config.num_samples, 1)
        for i in range(config.iterations):
            sampled = mean.unsqueeze(2) + std.unsqueeze(2) * noise.samples[i]
            sampled = sampled.clamp(-1, 1) * mask.unsqueeze(1)
            actions = torch.cat([sampled, prior_actions], dim=2)
            value = self.value(z, actions, noise.final[i], noise.heads[i])
            value = torch.where(torch.isnan(value), 0.0, value)
            elite = value.argsort(dim=1, descending=True)[:, : config.num_elites]
            elites = torch.stack([actions[:, e, index] for e, index in enumerate(elite)], dim=1)
            elite_value = torch.stack([value[e, index] for e, index in enumerate(elite)])
            best = elite_value.max(1, keepdim=True).values
            weights = torch.exp(config.temperature * (elite_value - best))
            weights = (weights / weights.sum(1, keepdim=True))[None, :, :, None]
            mean = (weights * elites).sum(2)
            std = (weights * (elites - mean.unsqueeze(2)) ** 2).sum(2).sqrt()
            std = std.clamp(config.min_std, config.max_std) * mask
        choice = (weights[0, :, :, 0].log() + noise.choice).argmax(1)
        chosen = torch.stack([elites[:, e, c] for e, c in enumerate(choice)], dim=1)
        if explore:
            chosen[0] = (chosen[0] + std[0] * noise.action).clamp(-1, 1)
        return chosen * mask, mean, std


class PlainPlanner(PlainMPPI):
    """Plans for E environments of known tasks with a :class:`WorldModel`'s weights."""

    def __init__(self, model: WorldModel, task: Tensor) -> None:
        self.model = model
        self.mask = model.action_mask[task].unsqueeze(1)
        self.discount = model.discount[task].unsqueeze(1)
        self.text = model.text[task].unsqueeze(1)

    def _text_for(self, z: Tensor) -> Tensor:
        return self.text.expand(-1, z.shape[1], -1)

    def policy(self, z: Tensor, noise: Tensor) -> Tensor:
        """Sample the prior."""
        raw = mlp(self.model.policy, _join(z, self._text_for(z)))
        return PlainPolicy(raw, self.mask, noise).action

    def step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """One step of reward and dynamics."""
        x = _join(z, self._text_for(z), action)
        return discrete.mean(mlp(self.model.reward, x)), mlp(self.model.dynamics, x)

    def q(self, z: Tensor, action: Tensor) -> Tensor:
        """All heads on the whole input."""
        return discrete.mean(q_logits(self.model.q, _join(z, self._text_for(z), action)))
