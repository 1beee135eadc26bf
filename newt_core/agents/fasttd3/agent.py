"""FastTD3's agent: its networks, their optimisers, and one update."""

from __future__ import annotations

import torch
from torch import Tensor

from newt_core.agents.base import Metrics
from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.fasttd3.losses import actor_loss, critic_loss
from newt_core.agents.fasttd3.networks import FastTD3Networks
from newt_core.agents.off_policy.agent import OffPolicyAgent, decayed
from newt_core.agents.off_policy.ring import Transitions
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.agents.weights import initial_weights
from newt_core.model.world_model import TaskTable


class FastTD3Agent(OffPolicyAgent):
    """One language-conditioned actor for a list of tasks, and two critics of it.

    Args:
        config: How it learns.
        tasks: Text, mask and discount of each task, in the run's order.
        device: Where the weights are.
        seed: Determines the initial weights.
        ranks: Those that train it together.
    """

    config: FastTD3Config
    networks: FastTD3Networks

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
            networks = FastTD3Networks(config, tasks).to(device)
        optimisers = decayed(config, {"actor": networks.actor, "critics": networks.critics})
        super().__init__(config, networks, optimisers, device, ranks)

    def choose(self, state: Tensor, task: Tensor, image: Tensor | None) -> Tensor:
        """See :class:`newt_core.agents.policy_agent.PolicyAgent`: the actor, without noise."""
        return self.networks.act(self.networks.see(state), task)

    def update(self, batch: Transitions, noise: Tensor) -> Metrics:
        """See :class:`newt_core.agents.off_policy.agent.OffPolicyAgent`."""
        bad = torch.zeros((), device=self.device)
        networks, config = self.networks, self.config
        networks.notice(batch.state)
        networks.notice(batch.next_state)
        with self.autocast():
            value = critic_loss(networks, batch, noise, config)
        norm = self.descend("critics", value, bad)
        metrics = {"loss/value": value.detach(), "grad/critics": norm}
        if (self.learning.updates + 1) % config.actor_every == 0:
            with self.critics_still():
                with self.autocast():
                    policy = actor_loss(networks, batch, config)
                norm = self.descend("actor", policy, bad)
            metrics |= {"loss/policy": policy.detach(), "grad/actor": norm}
        networks.update_target(config.target_ema)
        self.learning.count(bad)
        return metrics
