"""One gradient step written down plainly (TD-MPC2, eqs. 3, 4 and 7; Newt, section 3).

Networks read whole concatenated inputs, all Q heads are evaluated everywhere, time is a loop,
and targets are explicit two-hot vectors. Of ``newt_core`` only records are used: settings, noise,
batches, and the modules that hold the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.losses import UpdateNoise
from newt_core.model.q_ensemble import QEnsemble
from newt_core.model.world_model import WorldModel
from newt_core.replay import Batch

from . import discrete
from .networks import mlp, q_logits
from .policy import PlainPolicy


def weights(horizon: int, decay: float) -> list[float]:
    """decay^t for t = 0 … H, divided by their sum."""
    raw = [decay**t for t in range(horizon + 1)]
    return [w / sum(raw) for w in raw]


def percentile(values: Tensor, share: float) -> float:
    """The value that a share of the values [B] lies below, on the line between neighbours."""
    ordered = sorted(values.tolist())
    place = share * (len(ordered) - 1)
    lower = min(int(place), len(ordered) - 2)
    return ordered[lower] + (place - lower) * (ordered[lower + 1] - ordered[lower])


@dataclass
class PlainLosses:
    """Losses of a batch under a model's current weights."""

    model: WorldModel
    batch: Batch
    noise: UpdateNoise
    config: UpdateConfig

    def __post_init__(self) -> None:
        self.text = self.model.text[self.batch.task]
        self.mask = self.model.action_mask[self.batch.task]
        self.discount = self.model.discount[self.batch.task]
        self.horizon = self.batch.action.shape[0]
        self.rho = weights(self.horizon, self.config.temporal_decay)

    def encode(self, t: int) -> Tensor:
        """What is seen at step t → [B, L]."""
        parts = [self.batch.obs[t], self.text]
        if self.batch.features is not None:
            parts.append(self.batch.features[t].to(self.text.dtype))
        return mlp(self.model.encoder, torch.cat(parts, -1))

    def policy(self, z: Tensor, noise: Tensor) -> PlainPolicy:
        """The prior at z [B, L]."""
        raw = mlp(self.model.policy, torch.cat([z, self.text], -1))
        return PlainPolicy(raw, self.mask, noise)

    def q(self, ensemble: QEnsemble, z: Tensor, action: Tensor) -> Tensor:
        """Logits of every head, [n, B, bins]."""
        return q_logits(ensemble, torch.cat([z, self.text, action], -1))

    @torch.no_grad()
    def td_target(self, t: int) -> Tensor:
        """r + γ · min of two target heads, [B]."""
        next_z = self.encode(t + 1)
        action = self.policy(next_z, self.noise.target[t]).action
        values = discrete.mean(self.q(self.model.target_q, next_z, action))
        one, other = self.noise.target_heads.tolist()
        value = torch.where(values[one] < values[other], values[one], values[other])
        return self.batch.reward[t] + self.discount * value

    def model_loss(self) -> tuple[Tensor, Tensor]:
        """The world model's loss and the latents [H + 1, B, L]."""
        z = self.encode(0)
        latents, total = [z], torch.zeros((), dtype=z.dtype, device=z.device)
        for t in range(self.horizon):
            action = self.batch.action[t]
            x = torch.cat([z, self.text, action], -1)
            reward = discrete.cross_entropy(mlp(self.model.reward, x), self.batch.reward[t])
            target = self.td_target(t)
            heads = self.q(self.model.q, z, action)
            value = torch.stack([discrete.cross_entropy(head, target).mean() for head in heads])
            with torch.no_grad():
                next_z = self.encode(t + 1)
            z = mlp(self.model.dynamics, x)
            latents.append(z)
            total = total + self.rho[t] * (
                self.config.consistency_coef * ((z - next_z) ** 2).mean()
                + self.config.reward_coef * reward.mean()
                + self.config.value_coef * value.mean()
            )
        return total, torch.stack(latents)

    def cloning(self, prior: PlainPolicy, t: int) -> Tensor:
        """Squared error of the prior's actions at step t < H, a mean over valid entries first."""
        error = (prior.action - self.batch.action[t]) ** 2 * self.mask
        return (error.sum(-1) / self.mask.sum(-1)).mean()

    def entropy(self, prior: PlainPolicy) -> Tensor:
        """The batch's mean scaled entropy."""
        return prior.scaled_entropy(self.config.entropy).mean()

    def policy_loss(self, latents: Tensor, scale: float, bc_coef: float) -> tuple[Tensor, float]:
        """The policy's loss on given latents, and the value scale it used."""
        total = torch.zeros((), dtype=latents.dtype, device=latents.device)
        one, other = self.noise.policy_heads.tolist()
        for t in range(self.horizon + 1):
            z = latents[t].detach()
            prior = self.policy(z, self.noise.policy[t])
            values = discrete.mean(self.q(self.model.q, z, prior.action))
            q = (values[one] + values[other]) / 2
            if t == 0:
                spread = max(1.0, percentile(q, 0.95) - percentile(q, 0.05))
                scale = (1 - self.config.scale_ema) * scale + self.config.scale_ema * spread
            loss = -(q / scale).mean() - self.config.entropy_coef * self.entropy(prior)
            if t < self.horizon:
                loss = loss + bc_coef * self.cloning(prior, t)
            total = total + self.rho[t] * loss
        return total, scale

    def pretraining_loss(self, bc_coef: float) -> Tensor:
        """Model, cloning and entropy in one, with gradient into everything; no values."""
        total, latents = self.model_loss()
        for t in range(self.horizon + 1):
            prior = self.policy(latents[t], self.noise.policy[t])
            total = total - self.rho[t] * self.config.entropy_coef * self.entropy(prior)
            if t < self.horizon:
                total = total + self.rho[t] * bc_coef * self.cloning(prior, t)
        return total

    def latent_cloning(self, latents: Tensor) -> Tensor:
        """Cloning on latents that it may shape."""
        terms = []
        for t in range(self.horizon):
            prior = self.policy(latents[t], self.noise.policy[t])
            terms.append(self.rho[t] * self.cloning(prior, t))
        return torch.stack(terms).sum()


class PlainLearner:
    """The update that these losses belong to, with PyTorch's plain Adam."""

    def __init__(self, model: WorldModel, config: UpdateConfig) -> None:
        self.model, self.config, self.scale = model, config, 1.0
        rest = [*model.dynamics.parameters(), *model.reward.parameters(), *model.q.parameters()]
        self.encoder = list(model.encoder.parameters())
        self.rest = rest
        groups: list[dict[str, Any]] = [
            {"params": self.encoder, "lr": config.encoder_lr},
            {"params": rest},
        ]
        self.adam = torch.optim.Adam(groups, lr=config.lr, foreach=False)
        self.pi = list(model.policy.parameters())
        self.pi_adam = torch.optim.Adam(
            self.pi, lr=config.lr, eps=config.policy_adam_eps, foreach=False
        )

    def update(
        self, batch: Batch, noise: UpdateNoise, *, bc_coef: float = 0.0, joint: bool = False
    ) -> None:
        """Take one gradient step."""
        losses = PlainLosses(self.model, batch, noise, self.config)
        if joint:
            losses.pretraining_loss(bc_coef).backward()
            self._step(self.adam, [*self.encoder, *self.rest])
            self._step(self.pi_adam, self.pi)
        else:
            total, latents = losses.model_loss()
            if self.config.bc_latents:
                total = total + bc_coef * losses.latent_cloning(latents)
            total.backward()
            self._step(self.adam, [*self.encoder, *self.rest])
            self._forget()
            policy, self.scale = losses.policy_loss(latents, self.scale, bc_coef)
            policy.backward()
            self._step(self.pi_adam, self.pi)
        self._forget()
        with torch.no_grad():
            pairs = zip(self.model.target_q.parameters(), self.model.q.parameters(), strict=True)
            for target, online in pairs:
                target.mul_(1 - self.config.target_ema).add_(online, alpha=self.config.target_ema)

    def _step(self, adam: torch.optim.Adam, parameters: list[torch.nn.Parameter]) -> None:
        """Shorten the gradient of all parameters together if it is too long, then step."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        length = torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()
        factor = (self.config.grad_clip / length).clamp(max=1)
        for gradient in gradients:
            gradient.mul_(factor)
        adam.step()

    def _forget(self) -> None:
        """Drop all gradients."""
        self.adam.zero_grad()
        self.pi_adam.zero_grad()
