"""The agent that learns from demonstrations alone: all its parts at once (Newt, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import SupportsFloat

from newt_core.agents.base import Metrics, Skipped, Stateful
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.generators import SavedGenerator
from newt_core.agents.newt.update import Learner
from newt_core.replay import Part, ReplayBuffer, divide
from newt_core.seeds import Stream


@dataclass(frozen=True)
class PretrainingSettings:
    """How an agent learns from demonstrations alone."""

    update: UpdateConfig
    lr_factor: float = 1.0
    """How many times the learning rates it learns at, after the warm-up."""
    bc_coef: float = 1.0
    """Weight of behaviour cloning."""
    seed: int = 0
    """Determines the batches."""


class Pretraining:
    """A :class:`newt_core.agents.base.OfflineAgent`: Newt's agent and its demonstrations.

    Args:
        agent: Learns.
        demos: Batches come from here.
        settings: How.
    """

    remedy = Learner.remedy

    def __init__(
        self, agent: NewtAgent, demos: ReplayBuffer, settings: PretrainingSettings
    ) -> None:
        self.agent = agent
        self.demos = demos
        self.settings = settings
        ranks = agent.learner.ranks
        # Each rank draws its part of every batch, from a stream of its own.
        self._batches = SavedGenerator(settings.seed, Stream.BATCHES, ranks.rank)
        rows = divide(settings.update.batch_size, [1] * ranks.size)
        self._part = Part(rows, ranks.rank)
        self.parts: Mapping[str, Stateful] = {"agent": agent, "batches": self._batches}

    @property
    def updates(self) -> int:
        """Gradient steps so far."""
        return self.agent.learner.updates

    @property
    def skipped(self) -> Skipped:
        """Updates left out because they were not finite."""
        return self.agent.learner.skipped

    def update(self) -> Metrics:
        """See :class:`newt_core.agents.base.OfflineAgent`."""
        learner, settings = self.agent.learner, self.settings
        batch = self.demos.sample(self._part.own, settings.update.horizon, self._batches.generator)
        batch = replace(batch, part=self._part)
        learner.set_lr_factor(settings.lr_factor * learner.warmup_factor())
        return learner.update(batch, bc_coef=settings.bc_coef, joint=True)

    def report(self) -> Mapping[str, SupportsFloat]:
        """See :class:`newt_core.agents.base.OfflineAgent`."""
        return {"lr": self.agent.learner.model_optimiser.param_groups[-1]["lr"]}
