"""The policy prior's distribution: a squashed Gaussian over the valid action entries."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from newt_core.model.config import EntropyKind

LOG_STD_MIN = -10.0
"""Smallest log standard deviation before the squash."""
LOG_STD_RANGE = 12.0
"""Largest minus smallest log standard deviation."""
SQUASH_EPS = 1e-6
"""Keeps the squash correction finite where an action saturates."""


@dataclass(frozen=True)
class PolicySample:
    """A batch of actions with what the losses need of their distribution."""

    action: Tensor
    """[..., A] in (-1, 1); zero in masked entries."""
    mean: Tensor
    """[..., A] tanh of the Gaussian's mean: the deterministic action."""
    log_std: Tensor
    """[..., A] of the Gaussian."""
    noise: Tensor
    """[..., A] the standard normal that the action was drawn with; zero in masked entries."""
    mask: Tensor
    """[..., A] ones in valid entries, broadcastable."""

    def scaled_entropy(self, kind: EntropyKind) -> Tensor:
        """Minus the action's log-probability, times the number of valid entries: [...].

        ``gaussian`` takes the density before the squash (TD-MPC2's published code, where the
        squash correction cancels): its gradient raises the std alone. ``squashed`` takes the
        density of the action itself, whose gradient also keeps the mean from saturating.
        """
        log_density = -0.5 * self.noise.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        if kind == "squashed":
            log_density = log_density - torch.log(F.relu(1 - self.action.square()) + SQUASH_EPS)
        return -(log_density * self.mask).sum(-1) * self.mask.sum(-1)


def gaussian_parameters(raw: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Split the policy network's output into masked mean and log standard deviation.

    Args:
        raw: [..., 2 A] network output.
        mask: [..., A] ones in valid entries, broadcastable.

    Returns:
        mean and log standard deviation before the squash, [..., A] each.
    """
    mean, log_std = raw.chunk(2, dim=-1)
    log_std = LOG_STD_MIN + 0.5 * LOG_STD_RANGE * (torch.tanh(log_std) + 1)
    return mean * mask, log_std


def act(raw: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
    """Draw actions only: tanh(mean + noise · std), [..., A]; no log-probability is formed."""
    mean, log_std = gaussian_parameters(raw, mask)
    return torch.tanh(mean + noise * mask * log_std.exp())


def sample(raw: Tensor, mask: Tensor, noise: Tensor) -> PolicySample:
    """Draw actions, with all that their entropy is estimated from.

    Args:
        raw: [..., 2 A] network output.
        mask: [..., A] ones in valid entries, broadcastable.
        noise: [..., A] standard normal.
    """
    mean, log_std = gaussian_parameters(raw, mask)
    noise = noise * mask
    action = torch.tanh(mean + noise * log_std.exp())
    return PolicySample(action, torch.tanh(mean), log_std, noise, mask)
