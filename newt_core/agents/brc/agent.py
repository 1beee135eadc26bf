"""BRC's agent: its networks, their optimisers, and one update."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from newt_core.agents.base import Metrics
from newt_core.agents.brc.config import BRCConfig
from newt_core.agents.brc.losses import actor_loss, critic_loss, temperature_loss
from newt_core.agents.brc.networks import BRCNetworks
from newt_core.agents.off_policy.agent import OffPolicyAgent, decayed
from newt_core.agents.off_policy.ring import Transitions
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.agents.weights import initial_weights
from newt_core.model.world_model import TaskTable

_TEMPERATURE_BETAS = (0.5, 0.999)
"""Adam's, for the temperature."""


class BRCAgent(OffPolicyAgent):
    """One language-conditioned stochastic policy for a list of tasks, and two critics of it.

    Args:
        config: How it learns.
        tasks: Text, mask and discount of each task, in the run's order.
        device: Where the weights are.
        seed: Determines the initial weights.
        ranks: Those that train it together.
    """

    draws: ClassVar[tuple[int, ...]] = (2,)
    config: BRCConfig
    networks: BRCNetworks

    def __init__(
        self,
        config: BRCConfig,
        tasks: TaskTable,
        *,
        device: torch.device,
        seed: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        with initial_weights(seed):
            networks = BRCNetworks(config, tasks).to(device)
        optimisers = decayed(config, {"actor": networks.actor, "critics": networks.critics})
        optimisers["temperature"] = torch.optim.Adam(
            [networks.log_temperature],
            lr=config.temperature_lr,
            betas=_TEMPERATURE_BETAS,
            fused=True,
        )
        super().__init__(config, networks, optimisers, device, ranks)

    def choose(self, state: Tensor, task: Tensor, image: Tensor | None) -> Tensor:
        """See :class:`newt_core.agents.policy_agent.PolicyAgent`: the mean, squashed."""
        policy = self.networks.policy(self.networks.see(state), task)
        return policy.action(policy.mean)

    def update(self, batch: Transitions, noise: Tensor) -> Metrics:
        """Improve critics, actor and temperature, in this order.

        Args:
            batch: On the networks' device.
            noise: [2, B, A] standard normal: of the targets' actions, and of the actor's.
        """
        bad = torch.zeros((), device=self.device)
        networks, (ahead, now) = self.networks, noise
        networks.notice(batch.state)
        networks.notice(batch.next_state)
        with self.autocast():
            value = critic_loss(networks, batch, ahead)
        critics_norm = self.descend("critics", value, bad)
        networks.update_target(self.config.target_ema)
        with self.critics_still():
            with self.autocast():
                policy, entropy = actor_loss(networks, batch, now)
            actor_norm = self.descend("actor", policy, bad)
        with self.autocast():
            temperature = temperature_loss(networks, entropy, batch.task)
        self.descend("temperature", temperature, bad)
        self.learning.count(bad)
        return {
            "loss/value": value.detach(),
            "loss/policy": policy.detach(),
            "grad/critics": critics_norm,
            "grad/actor": actor_norm,
            "policy/entropy": entropy.mean(),
            "policy/temperature": networks.temperature.detach(),
        }
