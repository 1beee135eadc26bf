"""PPO in a run of interaction: it fills a rollout, learns from that, and forgets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, SupportsFloat

import torch
from torch import Tensor

from newt_core.agents.actions import executable
from newt_core.agents.base import Metrics
from newt_core.agents.newt.generators import SavedGenerator
from newt_core.agents.policy_agent import PolicyLearning
from newt_core.agents.ppo.agent import PPOAgent
from newt_core.agents.ppo.losses import Samples, advantages
from newt_core.seeds import Stream
from newt_core.types import ACTION_DIM, Episode, FloatArray, IntArray, Observation, Transitions


class PPOInteraction(PolicyLearning):
    """A :class:`newt_core.agents.base.OnlineAgent`: PPO's agent and its newest experience.

    Args:
        agent: Acts and learns.
        task_of_env: [E] index of each environment's task in the agent's list.
        seed: Determines all noise.
    """

    remedy = "a lower --set agent.options.lr=…, or a lower agent.options.grad_clip"

    def __init__(self, agent: PPOAgent, task_of_env: IntArray, *, seed: int) -> None:
        self.agent = agent
        self._task = torch.from_numpy(task_of_env).to(agent.device)
        self._noise = SavedGenerator(seed, Stream.ACTOR)
        self._order = SavedGenerator(seed, Stream.BATCHES)
        self._rows: list[dict[str, Tensor]] = []
        """Of each step since the newest update: [E, …] what was seen, done and earned."""
        self._acted: dict[str, Tensor] = {}
        """The step under way: the states [E, S] and what was drawn there, [E, A]."""
        self._samples: Samples | None = None
        """A full rollout's steps; None while it fills."""
        self._taken = 0
        """Updates that were made with it."""
        self._permutation = torch.zeros(0, dtype=torch.int64)
        """[N] the order of this epoch."""
        super().__init__(agent, {"interaction": self, "noise": self._noise, "order": self._order})

    @torch.no_grad()
    def act(self, observation: Observation, steps: int) -> FloatArray:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        device = self.agent.device
        if self._rows:  # An episode that ends unannounced was lost on the way back to it.
            newest, begun = self._rows[-1], torch.as_tensor(observation.first, device=device)
            newest["lost"] = newest["lost"] | (begun & newest["real"] & ~newest["done"])
        state = torch.as_tensor(observation.state, device=device).clone()
        noise = torch.randn(len(state), ACTION_DIM, generator=self._noise.generator)
        policy = self.agent.network.policy(state, self._task)
        raw = policy.sample(noise.to(device))
        self._acted = {"state": state, "raw": raw}
        return executable(policy.action(raw))

    def observe(self, transitions: Transitions, episodes: Sequence[Episode]) -> None:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        device, lost = self.agent.device, torch.as_tensor(transitions.lost)
        if self._rows:  # What a dying worker took with it, the step before was the last of.
            self._rows[-1]["lost"] = self._rows[-1]["lost"] | lost.to(device)
        self._rows.append(
            {
                **self._acted,
                "next_state": torch.as_tensor(transitions.final_obs, device=device).clone(),
                "reward": torch.as_tensor(transitions.reward, device=device).clone(),
                "done": torch.as_tensor(transitions.done, device=device).clone(),
                "real": ~lost.to(device),
                "lost": torch.zeros_like(lost, device=device),
            }
        )

    def learn(self, steps: int) -> Iterator[Metrics]:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        config = self.agent.config
        if len(self._rows) < config.rollout:
            return
        if self._samples is None:
            self._samples = self._look_back()
        count = len(self._samples.task)
        # A part of one step could not be standardised.
        parts = max(1, min(config.minibatches, count // 2))
        while self._taken < config.epochs * parts and count > 1:
            if self._taken % parts == 0:
                self._permutation = torch.randperm(count, generator=self._order.generator)
            rows = self._permutation.tensor_split(parts)[self._taken % parts]
            self._taken += 1
            yield self.agent.update(self._samples.of_rows(rows.to(self.agent.device)))
        self._rows, self._samples, self._taken = [], None, 0
        self._permutation = self._permutation[:0].clone()

    @torch.no_grad()
    def _look_back(self) -> Samples:
        """Return the real steps of a full rollout, with what the weights now say of them."""
        network, config = self.agent.network, self.agent.config
        seen = {name: torch.stack([row[name] for row in self._rows]) for name in self._rows[0]}
        length = len(self._rows)
        task = self._task.repeat(length)
        state, raw = seen["state"].flatten(0, 1), seen["raw"].flatten(0, 1)
        value = network.value(state, task)
        next_value = network.value(seen["next_state"].flatten(0, 1), task).view(length, -1)
        if not config.bootstrap:
            next_value = next_value * ~seen["done"]
        advantage = advantages(
            config.reward_scale * seen["reward"],
            value.view(length, -1),
            next_value,
            network.discount[self._task],
            seen["done"] | seen["lost"],
            config.gae_lambda,
        )
        log_prob = network.policy(state, task).log_prob(raw)
        every = Samples(state, task, raw, log_prob, value, advantage.flatten())
        return every.of_rows(seen["real"].flatten())

    def report(self, steps: int) -> Mapping[str, SupportsFloat]:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        return {"lr": self.agent.config.lr, "rollout/steps": len(self._rows) * len(self._task)}

    def state_dict(self) -> dict[str, Any]:
        """Return the rollout as far as it is filled, and how far it was learned from."""
        return {
            "rows": [dict(row) for row in self._rows],
            "samples": None if self._samples is None else vars(self._samples).copy(),
            "taken": self._taken,
            "permutation": self._permutation,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        device, samples = self.agent.device, state["samples"]
        self._rows = [{k: v.to(device) for k, v in row.items()} for row in state["rows"]]
        self._samples = None
        if samples is not None:
            self._samples = Samples(**{k: v.to(device) for k, v in samples.items()})
        self._taken = int(state["taken"])
        self._permutation = state["permutation"]
