"""BRC in a run of interaction: random at first, then it draws its actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import SupportsFloat

import torch
from torch import Tensor

from newt_core.agents.brc.agent import BRCAgent
from newt_core.agents.brc.return_scale import ReturnScale
from newt_core.agents.off_policy.interaction import OffPolicyInteraction
from newt_core.types import ACTION_DIM, Episode, IntArray, Transitions


class BRCInteraction(OffPolicyInteraction):
    """See :class:`newt_core.agents.off_policy.interaction.OffPolicyInteraction`."""

    def __init__(
        self, agent: BRCAgent, task_of_env: IntArray, *, seed: int, saves_ring: bool = True
    ) -> None:
        self.agent = agent
        nets = agent.networks
        self._scale = ReturnScale(nets.discount, nets.target_entropy, agent.config.largest)
        super().__init__(agent, task_of_env, self._scale, seed=seed, saves_ring=saves_ring)

    def explore(self, seen: Tensor) -> Tensor:
        """Return uniform actions [E, A] as long as nothing is learned, then the policy's."""
        shape, generator = (len(seen), ACTION_DIM), self._noise.generator
        networks = self.agent.networks
        if not self.ready():
            drawn = 2 * torch.rand(shape, generator=generator) - 1
            return drawn.to(seen.device) * networks.action_mask[self._task]
        policy = networks.policy(seen, self._task)
        noise = torch.randn(shape, generator=generator)
        return policy.action(policy.sample(noise.to(seen.device)))

    def notice(self, transitions: Transitions, episodes: Sequence[Episode]) -> None:
        """Let whole episodes count in the scale of rewards."""
        self._scale.add(episodes)

    def reward_scale(self) -> Tensor:
        """Return what each task's rewards are divided by, [tasks]."""
        return self._scale.of_tasks(self.agent.networks.temperature.detach())

    def ready(self) -> bool:
        """Return whether there is enough to learn from: an episode of each task, too."""
        return self._scale.knows_all() and super().ready()

    def report(self, steps: int) -> Mapping[str, SupportsFloat]:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        temperature = self.agent.networks.temperature.detach()
        return {**super().report(steps), "policy/temperature": temperature}
