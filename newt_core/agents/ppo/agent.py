"""PPO's agent: actor, critic, their optimiser, and one gradient step."""

from __future__ import annotations

import torch
from torch import Tensor

from newt_core.agents.base import Metrics
from newt_core.agents.optimisers import Optimisers, gradient_step
from newt_core.agents.policy_agent import PolicyAgent
from newt_core.agents.ppo.config import PPOConfig
from newt_core.agents.ppo.losses import Samples, ppo_loss
from newt_core.agents.ppo.network import ActorCritic
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.agents.weights import initial_weights
from newt_core.model.world_model import TaskTable


class PPOAgent(PolicyAgent):
    """One language-conditioned policy for a list of tasks, without a model of the world.

    Args:
        config: Architecture and losses.
        tasks: Text, mask and discount of each task, in the run's order.
        device: Where the weights are.
        seed: Determines the initial weights.
        ranks: Those that train it together.
    """

    def __init__(
        self,
        config: PPOConfig,
        tasks: TaskTable,
        *,
        device: torch.device,
        seed: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        with initial_weights(seed):
            network = ActorCritic(config, tasks)
        self.network = network.to(device)
        adam = torch.optim.Adam(
            self.network.parameters(), lr=config.lr, eps=config.adam_eps, fused=True
        )
        super().__init__(self.network, Optimisers({"all": adam}, device), device)
        self.config = config
        self._ranks = ranks

    def choose(self, state: Tensor, task: Tensor, image: Tensor | None) -> Tensor:
        """See :class:`newt_core.agents.policy_agent.PolicyAgent`: the mean, squashed."""
        policy = self.network.policy(state, task)
        return policy.action(policy.mean)

    def update(self, batch: Samples) -> Metrics:
        """Take one gradient step; see :func:`newt_core.agents.ppo.losses.ppo_loss`."""
        bad = torch.zeros((), device=self.device)
        loss, metrics = ppo_loss(self.network, batch, self.config)
        loss.backward()
        norm = gradient_step(
            self.learning["all"], loss, bad, clip=self.config.grad_clip, ranks=self._ranks
        )
        self.learning.count(bad)
        return {**metrics, "grad/all": norm}
