"""The policy prior's distribution, from the network's output to both entropies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class PlainPolicy:
    """A Gaussian over A action entries that is squashed by tanh."""

    raw: Tensor
    """[..., 2 A] the network's output: means, then what the log-stds are made of."""
    mask: Tensor
    """[..., A] ones in valid entries."""
    noise: Tensor
    """[..., A] standard normal."""

    def __post_init__(self) -> None:
        half = self.raw.shape[-1] // 2
        self.mean = self.raw[..., :half] * self.mask
        self.log_std = -10 + 6 * (self.raw[..., half:].tanh() + 1)
        self.drawn = self.mean + self.log_std.exp() * self.noise * self.mask
        """[..., A] before the squash."""
        self.action = self.drawn.tanh()

    def scaled_entropy(self, kind: str) -> Tensor:
        """-n · log-density of what was drawn, n the number of valid entries: [...].

        ``gaussian``: of the draw before the squash. It depends on the noise and on the std
        alone, so that its gradient does not reach the mean. ``squashed``: of the action.
        """
        std = self.log_std.exp()
        density = (-0.5 * ((self.drawn - self.mean) / std) ** 2).exp()
        density = density / (std * math.sqrt(2 * math.pi))
        if kind == "squashed":
            # The squash takes a piece of width w to one of width (1 - tanh²) · w.
            density = density / (torch.clamp(1 - self.action**2, min=0) + 1e-6)
        return self.mask.sum(-1) * -(density.log() * self.mask).sum(-1)
