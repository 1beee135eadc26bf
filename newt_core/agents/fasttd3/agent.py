"""FastTD3's agent: its networks, their optimisers, and one update."""

from __future__ import annotations

import torch
from torch import Tensor

from newt_core.agents.base import Metrics
from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.fasttd3.losses import (
    Transitions,
    actor_loss,
    critic_loss,
    target_distributions,
)
from newt_core.agents.fasttd3.networks import FastTD3Networks
from newt_core.agents.optimisers import Optimisers, gradient_step
from newt_core.agents.policy_agent import PolicyAgent
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.agents.weights import initial_weights
from newt_core.model.world_model import TaskTable


class FastTD3Agent(PolicyAgent):
    """One language-conditioned actor for a list of tasks, and two critics of it.

    Args:
        config: How it learns.
        tasks: Text, mask and discount of each task, in the run's order.
        device: Where the weights are.
        seed: Determines the initial weights.
        ranks: Those that train it together.
    """

    def __init__(
        self,
        config: FastTD3Config,
        tasks: TaskTable,
        *,
        device: torch.device,
        seed: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        with initial_weights(seed):
            networks = FastTD3Networks(config, tasks)
        self.networks = networks.to(device)
        optimisers = {
            name: torch.optim.AdamW(
                part.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
            )
            for name, part in (("actor", networks.actor), ("critics", networks.critics))
        }
        super().__init__(self.networks, Optimisers(optimisers, device), device)
        self.config = config
        self._ranks = ranks

    def choose(self, state: Tensor, task: Tensor, image: Tensor | None) -> Tensor:
        """See :class:`newt_core.agents.policy_agent.PolicyAgent`: the actor, without noise."""
        return self.networks.act(self.networks.see(state), task)

    def update(self, batch: Transitions, noise: Tensor) -> Metrics:
        """Improve the critics and, every now and then, the actor.

        Args:
            batch: On the networks' device.
            noise: [B, A] standard normal, for the targets' actions.
        """
        bad = torch.zeros((), device=self.device)
        half = self.config.precision == "bfloat16"
        if self.config.normalise_states:
            self.networks.normaliser.add(batch.state)
            self.networks.normaliser.add(batch.next_state)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            target = target_distributions(self.networks, batch, noise, self.config)
            loss = critic_loss(self.networks, batch, target)
        loss.backward()
        metrics = {"loss/value": loss.detach(), "grad/critics": self._step("critics", loss, bad)}
        if (self.learning.updates + 1) % self.config.actor_every == 0:
            self.networks.critics.requires_grad_(False)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                loss = actor_loss(self.networks, batch, self.config)
            loss.backward()
            self.networks.critics.requires_grad_(True)
            metrics["loss/policy"] = loss.detach()
            metrics["grad/actor"] = self._step("actor", loss, bad)
        self.networks.update_target(self.config.target_ema)
        self.learning.count(bad)
        return metrics

    def _step(self, name: str, loss: Tensor, bad: Tensor) -> Tensor:
        return gradient_step(self.learning[name], loss, bad, ranks=self._ranks)
