"""What a stochastic policy draws actions from, with their densities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from newt_core.model.policy_head import SQUASH_EPS


@dataclass(frozen=True)
class ActionDistribution:
    """A Gaussian over the valid action entries, squashed or not."""

    mean: Tensor
    """[B, A] before the squash; zero in masked entries."""
    log_std: Tensor
    """[B, A], or [A] of all rows."""
    mask: Tensor
    """[B, A] ones in valid entries."""
    squash: bool

    def sample(self, noise: Tensor) -> Tensor:
        """Draw with standard normal noise [B, A], before the squash: [B, A], zero where masked."""
        return (self.mean + self.log_std.exp() * noise) * self.mask

    def action(self, raw: Tensor) -> Tensor:
        """Return what is executed of a sample [B, A] before the squash: [B, A] in [-1, 1]."""
        return torch.tanh(raw) if self.squash else raw.clamp(-1.0, 1.0)

    def log_prob(self, raw: Tensor) -> Tensor:
        """Log-density [B] of the actions that samples [B, A] before the squash stand for."""
        z = (raw - self.mean) / self.log_std.exp()
        density = -0.5 * z.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        if self.squash:
            density = density - torch.log(1 - torch.tanh(raw).square() + SQUASH_EPS)
        return (density * self.mask).sum(-1)

    def entropy(self) -> Tensor:
        """Entropy [B] of the Gaussian before the squash."""
        each = self.log_std + 0.5 * math.log(2 * math.pi * math.e)
        return (each * self.mask).sum(-1)
