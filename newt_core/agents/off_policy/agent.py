"""The agent: networks, their optimisers, and what an update consists of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor

from newt_core.agents.base import Metrics
from newt_core.agents.off_policy.config import OffPolicyConfig
from newt_core.agents.off_policy.networks import OffPolicyNetworks
from newt_core.agents.off_policy.ring import Transitions
from newt_core.agents.optimisers import Optimisers, gradient_step
from newt_core.agents.policy_agent import PolicyAgent
from newt_core.agents.ranks import Ranks


class OffPolicyAgent(PolicyAgent):
    """One language-conditioned actor for a list of tasks, and critics of it.

    ``draws`` is how many times an update draws noise, as the first axes of that.

    Args:
        config: How it learns.
        networks: On the device where they stay.
        optimisers: Of each part of them, by its name.
        device: Where that is.
        ranks: Those that train it together.
    """

    draws: ClassVar[tuple[int, ...]] = ()
    config: OffPolicyConfig
    networks: OffPolicyNetworks

    def __init__(
        self,
        config: OffPolicyConfig,
        networks: OffPolicyNetworks,
        optimisers: Mapping[str, torch.optim.Optimizer],
        device: torch.device,
        ranks: Ranks,
    ) -> None:
        super().__init__(networks, Optimisers(optimisers, device), device)
        self.networks = networks
        self.config = config
        self._ranks = ranks

    @abstractmethod
    def update(self, batch: Transitions, noise: Tensor) -> Metrics:
        """Improve the critics and, every now and then, the actor.

        Args:
            batch: On the networks' device.
            noise: [*draws, B, A] standard normal.
        """

    def autocast(self) -> torch.autocast:
        """Return the context in which losses are formed, in the settings' precision."""
        half = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    def descend(self, name: str, loss: Tensor, bad: Tensor) -> Tensor:
        """Take one gradient step with one of the optimisers.

        Args:
            name: Which.
            loss: [], formed under :meth:`autocast`.
            bad: See :func:`newt_core.agents.optimisers.gradient_step`.

        Returns:
            The norm [] of the gradient.
        """
        loss.backward()
        return gradient_step(self.learning[name], loss, bad, ranks=self._ranks)

    @contextmanager
    def critics_still(self) -> Iterator[None]:
        """Let no gradient reach the critics in the block."""
        self.networks.critics.requires_grad_(False)
        yield
        self.networks.critics.requires_grad_(True)


def decayed(
    config: OffPolicyConfig, parts: Mapping[str, torch.nn.Module]
) -> dict[str, torch.optim.Optimizer]:
    """Return AdamW of each part's parameters, with the settings' rate and weight decay."""
    return {
        name: torch.optim.AdamW(
            part.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )
        for name, part in parts.items()
    }
