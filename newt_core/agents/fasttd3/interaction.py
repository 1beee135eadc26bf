"""FastTD3 in a run of interaction: each environment explores by a noise of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from newt_core.agents.fasttd3.agent import FastTD3Agent
from newt_core.agents.fasttd3.reward_scale import RewardScale
from newt_core.agents.off_policy.interaction import OffPolicyInteraction
from newt_core.types import ACTION_DIM, Episode, IntArray, Transitions


class FastTD3Interaction(OffPolicyInteraction):
    """See :class:`newt_core.agents.off_policy.interaction.OffPolicyInteraction`."""

    def __init__(
        self, agent: FastTD3Agent, task_of_env: IntArray, *, seed: int, saves_ring: bool = True
    ) -> None:
        self.agent = agent
        task = torch.from_numpy(task_of_env).to(agent.device)
        self._scale = RewardScale(task, agent.networks.discount, agent.config.largest)
        super().__init__(agent, task_of_env, self._scale, seed=seed, saves_ring=saves_ring)
        self._std = self._draw_std()
        """[E] each environment's exploration in its present episode."""

    def _draw_std(self) -> Tensor:
        config = self.agent.config
        drawn = torch.rand(len(self._task), generator=self._noise.generator)
        return (config.noise_min + (config.noise_max - config.noise_min) * drawn).to(
            self.agent.device
        )

    def explore(self, seen: Tensor) -> Tensor:
        """Return the actor's actions [E, A] with noise."""
        networks = self.agent.networks
        noise = torch.randn(len(seen), ACTION_DIM, generator=self._noise.generator)
        noise = self._std[:, None] * noise.to(seen.device) * networks.action_mask[self._task]
        return (networks.act(seen, self._task) + noise).clamp(-1.0, 1.0)

    def notice(self, transitions: Transitions, episodes: Sequence[Episode]) -> None:
        """Let rewards count in their scale; who begins an episode explores by another noise."""
        reward, done, lost = (
            torch.as_tensor(each, device=self.agent.device)
            for each in (transitions.reward, transitions.done, transitions.lost)
        )
        self._scale.add(reward, done, ~lost)
        self._std = torch.where(done | lost, self._draw_std(), self._std)

    def reward_scale(self) -> Tensor:
        """Return what each task's rewards are divided by, [tasks]."""
        return self._scale.of_tasks()

    def state_dict(self) -> dict[str, Any]:
        """Return where it is; the other parts have states of their own."""
        return {"std": self._std, **super().state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        super().load_state_dict(state)
        self._std = state["std"].to(self.agent.device)
