"""One gradient step written down plainly (TD-MPC2, eqs. 3, 4 and 7).

Networks read whole concatenated inputs, all Q heads are evaluated everywhere, time is a loop,
and targets are explicit two-hot vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.losses import UpdateNoise
from newt_core.model.discrete import two_hot, two_hot_mean
from newt_core.model.policy_head import PolicySample, sample
from newt_core.model.q_ensemble import QEnsemble
from newt_core.model.world_model import WorldModel
from newt_core.replay import Batch

from .networks import mlp, q_logits


def cross_entropy(logits: Tensor, value: Tensor) -> Tensor:
    """Mean cross-entropy of logits [B, bins] against two-hot scalars [B]."""
    return -(two_hot(value) * F.log_softmax(logits, dim=-1)).sum(-1).mean()


def weights(horizon: int, decay: float) -> list[float]:
    """decay^t for t = 0 … H, divided by their sum."""
    raw = [decay**t for t in range(horizon + 1)]
    return [w / sum(raw) for w in raw]


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
        self.horizon = self.batch.action.shape[0]
        self.rho = weights(self.horizon, self.config.temporal_decay)

    def encode(self, t: int) -> Tensor:
        """What is seen at step t → [B, L]."""
        parts = [self.batch.obs[t], self.text]
        if self.batch.image is not None:
            parts.append(self.batch.image[t].to(self.text.dtype))
        return mlp(self.model.encoder, torch.cat(parts, -1))

    def policy(self, z: Tensor, noise: Tensor) -> PolicySample:
        """The prior's sample at z [B, L]."""
        return sample(mlp(self.model.policy, torch.cat([z, self.text], -1)), self.mask, noise)

    def q(self, ensemble: QEnsemble, z: Tensor, action: Tensor) -> Tensor:
        """Logits of every head, [n, B, bins]."""
        return q_logits(ensemble, torch.cat([z, self.text, action], -1))

    @torch.no_grad()
    def td_target(self, t: int) -> Tensor:
        """r + γ · min of two target heads, [B]."""
        next_z = self.encode(t + 1)
        action = self.policy(next_z, self.noise.target[t]).action
        values = two_hot_mean(self.q(self.model.target_q, next_z, action))
        value = values[self.noise.target_heads].min(0).values
        return self.batch.reward[t] + self.model.discount[self.batch.task] * value

    def model_loss(self) -> tuple[Tensor, Tensor]:
        """The world model's loss and the latents [H + 1, B, L]."""
        z = self.encode(0)
        latents, total = [z], torch.zeros(())
        for t in range(self.horizon):
            action = self.batch.action[t]
            x = torch.cat([z, self.text, action], -1)
            reward = cross_entropy(mlp(self.model.reward, x), self.batch.reward[t])
            target = self.td_target(t)
            value = torch.stack(
                [cross_entropy(head, target) for head in self.q(self.model.q, z, action)]
            ).mean()
            with torch.no_grad():
                next_z = self.encode(t + 1)
            z = mlp(self.model.dynamics, x)
            latents.append(z)
            total = total + self.rho[t] * (
                self.config.consistency_coef * F.mse_loss(z, next_z)
                + self.config.reward_coef * reward
                + self.config.value_coef * value
            )
        return total, torch.stack(latents)

    def policy_loss(self, latents: Tensor, scale: float, bc_coef: float) -> tuple[Tensor, float]:
        """The policy's loss on given latents, and the value scale it used."""
        total = torch.zeros(())
        for t in range(self.horizon + 1):
            z = latents[t].detach()
            prior = self.policy(z, self.noise.policy[t])
            q = two_hot_mean(self.q(self.model.q, z, prior.action))[self.noise.policy_heads].mean(0)
            if t == 0:
                low, high = torch.quantile(q.detach(), torch.tensor([0.05, 0.95], dtype=q.dtype))
                spread = max(1.0, float(high - low))
                scale = scale + self.config.scale_ema * (spread - scale)
            objective = q / scale + self.config.entropy_coef * prior.scaled_entropy(
                self.config.entropy
            )
            loss = -objective.mean()
            if t < self.horizon:
                error = (prior.action - self.batch.action[t]) ** 2 * self.mask
                loss = loss + bc_coef * (error.sum(-1) / self.mask.sum(-1)).mean()
            total = total + self.rho[t] * loss
        return total, scale


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

    def update(self, batch: Batch, noise: UpdateNoise, *, bc_coef: float = 0.0) -> None:
        """Take one gradient step."""
        losses = PlainLosses(self.model, batch, noise, self.config)
        total, latents = losses.model_loss()
        total.backward()
        torch.nn.utils.clip_grad_norm_([*self.encoder, *self.rest], self.config.grad_clip)
        self.adam.step()
        self.adam.zero_grad()
        policy, self.scale = losses.policy_loss(latents, self.scale, bc_coef)
        policy.backward()
        torch.nn.utils.clip_grad_norm_(self.pi, self.config.grad_clip)
        self.pi_adam.step()
        self.pi_adam.zero_grad()
        self.adam.zero_grad()
        with torch.no_grad():
            pairs = zip(self.model.target_q.parameters(), self.model.q.parameters(), strict=True)
            for target, online in pairs:
                target.mul_(1 - self.config.target_ema).add_(online, alpha=self.config.target_ema)
