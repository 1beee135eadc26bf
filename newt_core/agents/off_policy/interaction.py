"""Such an agent in a run: it explores, remembers, and learns after every step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, SupportsFloat

import torch
from torch import Tensor

from newt_core.agents.actions import executable
from newt_core.agents.base import Metrics, Stateful
from newt_core.agents.newt.generators import SavedGenerator
from newt_core.agents.off_policy.agent import OffPolicyAgent
from newt_core.agents.off_policy.ring import Ring
from newt_core.agents.policy_agent import PolicyLearning
from newt_core.seeds import Stream
from newt_core.types import Episode, FloatArray, IntArray, Observation, Transitions


class OffPolicyInteraction(PolicyLearning):
    """A :class:`newt_core.agents.base.OnlineAgent`: the agent and what it remembers.

    Args:
        agent: Acts and learns.
        task_of_env: [E] index of each environment's task in the agent's list.
        reward_scale: Keeps what :meth:`reward_scale` returns.
        seed: Determines all noise.
        saves_ring: Whether a checkpoint keeps the transitions.
    """

    remedy = "a lower --set agent.options.lr=…"

    def __init__(
        self,
        agent: OffPolicyAgent,
        task_of_env: IntArray,
        reward_scale: Stateful,
        *,
        seed: int,
        saves_ring: bool,
    ) -> None:
        config, device = agent.config, agent.device
        self._agent = agent
        self._task = torch.from_numpy(task_of_env).to(device)
        self._discount = agent.networks.discount[self._task]
        self._ring = Ring(self._task, config.ring, device, saved=saves_ring)
        self._noise, self._batches, self._losses = (
            SavedGenerator(seed, stream)
            for stream in (Stream.ACTOR, Stream.BATCHES, Stream.LEARNER)
        )
        self._acted = torch.zeros(0)
        """The step under way: the states, [E, S]."""
        self._steps = 0
        """Steps of all environments at once."""
        self._due = 0
        """Updates that are owed."""
        super().__init__(
            agent,
            {
                "interaction": self,
                "ring": self._ring,
                "reward_scale": reward_scale,
                "noise": self._noise,
                "batches": self._batches,
                "target_noise": self._losses,
            },
        )

    @abstractmethod
    def explore(self, seen: Tensor) -> Tensor:
        """Return what is done in all environments for what is seen [E, S]: [E, A] in [-1, 1]."""

    @abstractmethod
    def notice(self, transitions: Transitions, episodes: Sequence[Episode]) -> None:
        """Take in, beside the memory, what :meth:`observe` is given."""

    @abstractmethod
    def reward_scale(self) -> Tensor:
        """Return what each task's rewards are divided by, [tasks]."""

    def ready(self) -> bool:
        """Return whether there is enough to learn from."""
        config = self._agent.config
        return self._steps > config.learning_starts and self._ring.can_sample(config.n_step)

    @torch.no_grad()
    def act(self, observation: Observation, steps: int) -> FloatArray:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        networks = self._agent.networks
        self._acted = torch.as_tensor(observation.state, device=self._agent.device).clone()
        networks.notice(self._acted)
        return executable(self.explore(networks.see(self._acted)))

    def observe(self, transitions: Transitions, episodes: Sequence[Episode]) -> None:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        device = self._agent.device
        rows = {
            "state": self._acted,
            "action": torch.as_tensor(transitions.action, device=device),
            "reward": torch.as_tensor(transitions.reward, device=device),
            "next_state": torch.as_tensor(transitions.final_obs, device=device),
            "end": torch.as_tensor(transitions.done, device=device),
        }
        self._ring.add(rows, ~torch.as_tensor(transitions.lost, device=device))
        self.notice(transitions, episodes)
        self._steps += 1
        if self.ready():
            self._due += self._agent.config.updates_per_step

    def learn(self, steps: int) -> Iterator[Metrics]:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        agent, config = self._agent, self._agent.config
        while self._due:
            batch = self._ring.sample(
                config.batch_size // len(self._task),
                config.n_step,
                self._discount,
                self._batches.generator,
            )
            if config.normalise_rewards:
                batch = replace(batch, reward=batch.reward / self.reward_scale()[batch.task])
            shape = (*agent.draws, *batch.action.shape)
            noise = torch.randn(shape, generator=self._losses.generator)
            self._due -= 1
            yield agent.update(batch, noise.to(agent.device))

    def report(self, steps: int) -> Mapping[str, SupportsFloat]:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        return {
            "lr": self._agent.config.lr,
            "replay/steps": self._ring.filled.sum(),
            "reward/scale": self.reward_scale().mean(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return where it is; the other parts have states of their own."""
        return {"steps": self._steps, "due": self._due}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        self._steps, self._due = int(state["steps"]), int(state["due"])
