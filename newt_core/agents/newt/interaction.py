"""The agent in a run of interaction: random at first, then it plans, remembers and learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsFloat

import torch

from newt_core.agents.base import Metrics, Skipped, Stateful
from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import RandomPhaseConfig, UpdateConfig
from newt_core.agents.newt.generators import SavedGenerator
from newt_core.agents.newt.random_phase import RandomPhase
from newt_core.agents.newt.update import Learner
from newt_core.agents.newt.update_debt import UpdateDebt
from newt_core.replay import Batch, Mixture, Part, ReplayBuffer, divide
from newt_core.seeds import Stream, stream_seed
from newt_core.types import Episode, FloatArray, IntArray, Observation, Transitions


@dataclass(frozen=True)
class InteractionSettings:
    """How an agent interacts and learns from it."""

    update: UpdateConfig
    random_phase: RandomPhaseConfig
    prior_weight: Callable[[int], float]
    """Agent steps so far → how near the policy it plans, in [0, 1]."""
    demos_in_replay: bool = True
    """Whether demonstrations are put among the agent's own experience at the beginning."""
    calibrates: bool = False
    """Whether the value scale begins as that of a batch of demonstrations, where there are any."""
    cloning: bool = True
    """Whether the policy is kept near what the batch did, by ``update.bc_coef``."""
    follows_policy: bool = False
    """Whether the policy is worth following from the first step on, instead of random actions."""
    seed: int = 0
    """Determines all noise."""


class Interaction:
    """A :class:`newt_core.agents.base.OverlappingAgent`: Newt's agent, replay and planner.

    Args:
        agent: Acts and learns.
        replay: Batches come from here, new episodes go to its online buffer.
        task_of_env: [E] index of each environment's task in the agent's list.
        settings: How.
    """

    remedy = Learner.remedy

    def __init__(
        self,
        agent: NewtAgent,
        replay: Mixture,
        task_of_env: IntArray,
        settings: InteractionSettings,
    ) -> None:
        self.agent = agent
        self.replay = replay
        self.settings = settings
        self._ranks = ranks = agent.learner.ranks
        self.actor = Actor(
            agent,
            len(task_of_env),
            seed=settings.seed,
            settings=ActorSettings(explore=True),
            rank=ranks.rank,
        )
        update, phase = settings.update, settings.random_phase
        self._debt = UpdateDebt(update.updates_per_step, catch_up=update.catch_up)
        self._batches = SavedGenerator(settings.seed, Stream.BATCHES, ranks.rank)
        # In proportion to environments: so each of them, on whatever rank, counts alike.
        self._part = Part(divide(update.batch_size, ranks.gather(len(task_of_env))), ranks.rank)
        if settings.follows_policy:
            # The policy knows where reward is; to go on until it meets some would not help it.
            phase = phase.model_copy(update={"until_reward": 0})
        actions = SavedGenerator(settings.seed, Stream.RANDOM_ACTIONS, ranks.rank)
        mask = agent.model.action_mask.cpu().numpy()[task_of_env]
        self._random_phase = RandomPhase(phase, task_of_env, mask, actions.generator)
        self._began: int | None = None
        """Agent steps at which there was something to learn from; None before."""
        self._all_past = False
        """Whether the random phase is over on all ranks."""
        self._look_whether_past()
        self.parts: Mapping[str, Stateful] = {
            "agent": agent,
            "actor": self.actor,
            "interaction": self,
            "random_phase": self._random_phase,
            "replay": replay.online,
            "batches": self._batches,
        }

    @property
    def updates(self) -> int:
        """Gradient steps so far."""
        return self.agent.learner.updates

    @property
    def skipped(self) -> Skipped:
        """Updates left out because they were not finite."""
        return self.agent.learner.skipped

    @property
    def seeding(self) -> bool:
        """Whether the run still collects its first episodes and nothing is learned."""
        return self._began is None and not self._all_past

    def _look_whether_past(self) -> None:
        self._all_past = not self._ranks.any(not self._random_phase.over)

    def begin(self) -> None:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        online, demos = self.replay.online, self.replay.demos
        if demos is None:
            return
        ranks = self._ranks
        if self.settings.demos_in_replay and online.num_episodes == 0:
            for number, episode in enumerate(demos.episodes()):
                if number % ranks.size == ranks.rank:  # Each is in one replay alone.
                    online.add(episode)
        if self.settings.calibrates:
            first = stream_seed(self.settings.seed, Stream.CALIBRATION, ranks.rank)
            generator = torch.Generator().manual_seed(first)
            self.agent.learner.calibrate(self._draw(demos, generator))

    def act(self, observation: Observation, steps: int) -> FloatArray:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        if self.seeding and not self.settings.follows_policy:
            return self._random_phase.act(observation.env_ids)
        first = self.seeding and not self.settings.random_phase.plans
        by_policy = first or not self.agent.planner_config.enabled
        self.actor.settings = ActorSettings(
            explore=True, policy_only=by_policy, prior_weight=self.settings.prior_weight(steps)
        )
        return self.actor(observation)

    def observe(self, transitions: Transitions, episodes: Sequence[Episode]) -> None:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        self._random_phase.see(transitions)
        for episode in episodes:
            self.replay.online.add(episode)

    def due(self, steps: int) -> int:
        """See :class:`newt_core.agents.base.OverlappingAgent`."""
        if self._began is None:
            self._look_whether_past()
        if self._ranks.any(self.seeding or self.replay.online.num_episodes == 0):
            return 0
        if self._began is None:
            self._began = steps
        return self._debt.owed(steps, self.agent.learner.updates, began=self._began)

    def learn(self, steps: int, *, leave: int = 0) -> Iterator[Metrics]:
        """See :class:`newt_core.agents.base.OverlappingAgent`."""
        return self._updates(self.due(steps) - leave)

    def _updates(self, count: int) -> Iterator[Metrics]:
        update, learner = self.settings.update, self.agent.learner
        bc_coef = update.bc_coef if self.settings.cloning else 0.0
        for _ in range(count):
            batch = self._draw(self.replay, self._batches.generator)
            yield learner.update(batch, bc_coef=bc_coef)

    def hold(self) -> None:
        """See :class:`newt_core.agents.base.OverlappingAgent`."""
        self.agent.hold()

    def release(self) -> None:
        """See :class:`newt_core.agents.base.OverlappingAgent`."""
        self.agent.release()

    def _draw(self, source: Mixture | ReplayBuffer, generator: torch.Generator) -> Batch:
        """Draw this rank's part of a batch."""
        drawn = source.sample(self._part.own, self.settings.update.horizon, generator)
        return replace(drawn, part=self._part)

    def report(self, steps: int) -> Mapping[str, SupportsFloat]:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
        return {
            "replay/steps": self.replay.online.num_steps,
            "replay/damaged_episodes": self.replay.online.damaged_episodes,
            "planner/prior_weight": self.settings.prior_weight(steps),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return when learning began; the other parts have states of their own."""
        return {"learning_began": self._began}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        self._began = state["learning_began"]
