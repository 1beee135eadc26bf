"""FastTD3 in a run of interaction: it acts with noise, remembers, and learns after every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, SupportsFloat

import torch
from torch import Tensor

from newt_core.agents.actions import executable
from newt_core.agents.base import Metrics, Skipped, Stateful
from newt_core.agents.fasttd3.agent import FastTD3Agent
from newt_core.agents.fasttd3.reward_scale import RewardScale
from newt_core.agents.fasttd3.ring import Ring
from newt_core.agents.newt.generators import SavedGenerator
from newt_core.seeds import Stream
from newt_core.types import ACTION_DIM, Episode, FloatArray, IntArray, Observation, Transitions


class FastTD3Interaction:
    """A :class:`newt_core.agents.base.OnlineAgent`: FastTD3's agent and what it remembers.

    Args:
        agent: Acts and learns.
        task_of_env: [E] index of each environment's task in the agent's list.
        seed: Determines all noise.
        saves_ring: Whether a checkpoint keeps the transitions.
    """

    remedy = "a lower --set agent.options.lr=…"

    def __init__(
        self, agent: FastTD3Agent, task_of_env: IntArray, *, seed: int, saves_ring: bool = True
    ) -> None:
        self.agent = agent
        config, device = agent.config, agent.device
        self._task = torch.from_numpy(task_of_env).to(device)
        self._discount = agent.networks.discount[self._task]
        self._ring = Ring(self._task, config.ring, device, saved=saves_ring)
        largest = min(abs(config.v_min), abs(config.v_max))
        self._scale = RewardScale(self._task, agent.networks.discount, largest)
        self._noise, self._batches, self._target_noise = (
            SavedGenerator(seed, stream)
            for stream in (Stream.ACTOR, Stream.BATCHES, Stream.LEARNER)
        )
        self._std = self._draw_std()
        """[E] each environment's exploration in its present episode."""
        self._acted = torch.zeros(0)
        """The step under way: the states, [E, S]."""
        self._steps = 0
        """Steps of all environments at once."""
        self._due = 0
        """Updates that are owed."""
        self.parts: Mapping[str, Stateful] = {
            "agent": agent,
            "interaction": self,
            "ring": self._ring,
            "reward_scale": self._scale,
            "noise": self._noise,
            "batches": self._batches,
            "target_noise": self._target_noise,
        }

    @property
    def updates(self) -> int:
        """Updates so far."""
        return self.agent.learning.updates

    @property
    def skipped(self) -> Skipped:
        """Updates left out because they were not finite."""
        return self.agent.learning.skipped

    def begin(self) -> None:
        """See :class:`newt_core.agents.base.OnlineAgent`."""

    def _draw_std(self) -> Tensor:
        config = self.agent.config
        drawn = torch.rand(len(self._task), generator=self._noise.generator)
        return (config.noise_min + (config.noise_max - config.noise_min) * drawn).to(
            self.agent.device
        )

    @torch.no_grad()
    def act(self, observation: Observation, steps: int) -> FloatArray:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        device, networks = self.agent.device, self.agent.networks
        state = torch.as_tensor(observation.state, device=device).clone()
        if self.agent.config.normalise_states:
            networks.normaliser.add(state)
        self._acted = state
        noise = torch.randn(len(state), ACTION_DIM, generator=self._noise.generator)
        noise = self._std[:, None] * noise.to(device) * networks.action_mask[self._task]
        action = networks.act(networks.see(state), self._task) + noise
        return executable(action.clamp(-1.0, 1.0))

    def observe(self, transitions: Transitions, episodes: Sequence[Episode]) -> None:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        device = self.agent.device
        reward, done, lost = (
            torch.as_tensor(each, device=device)
            for each in (transitions.reward, transitions.done, transitions.lost)
        )
        rows = {
            "state": self._acted,
            "action": torch.as_tensor(transitions.action, device=device),
            "reward": reward,
            "next_state": torch.as_tensor(transitions.final_obs, device=device),
            "end": done,
        }
        self._ring.add(rows, ~lost)
        self._scale.add(reward, done, ~lost)
        self._std = torch.where(done | lost, self._draw_std(), self._std)
        self._steps += 1
        config = self.agent.config
        if self._steps > config.learning_starts and self._ring.can_sample(config.n_step):
            self._due += config.updates_per_step

    def learn(self, steps: int) -> Iterator[Metrics]:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        config = self.agent.config
        while self._due:
            batch = self._ring.sample(
                config.batch_size // len(self._task),
                config.n_step,
                self._discount,
                self._batches.generator,
            )
            if config.normalise_rewards:
                scale = self._scale.of_tasks()[batch.task]
                batch = replace(batch, reward=batch.reward / scale)
            noise = torch.randn(batch.action.shape, generator=self._target_noise.generator)
            self._due -= 1
            yield self.agent.update(batch, noise.to(self.agent.device))

    def report(self, steps: int) -> Mapping[str, SupportsFloat]:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        return {
            "lr": self.agent.config.lr,
            "replay/steps": self._ring.filled.sum(),
            "reward/scale": self._scale.of_tasks().mean(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return where it is; the other parts have states of their own."""
        return {"std": self._std, "steps": self._steps, "due": self._due}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        self._std = state["std"].to(self.agent.device)
        self._steps, self._due = int(state["steps"]), int(state["due"])
