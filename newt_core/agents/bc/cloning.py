"""Behaviour cloning in a run: an agent and its demonstrations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import SupportsFloat

from newt_core.agents.base import Metrics
from newt_core.agents.bc.agent import BCAgent
from newt_core.agents.newt.config import REMEDY
from newt_core.agents.newt.generators import SavedGenerator
from newt_core.agents.policy_agent import PolicyLearning
from newt_core.replay import ReplayBuffer
from newt_core.seeds import Stream


class Cloning(PolicyLearning):
    """A :class:`newt_core.agents.base.OfflineAgent`.

    Args:
        agent: Learns.
        demos: Batches come from here, single steps of which all are as likely.
        seed: Determines the batches.
    """

    remedy = REMEDY

    def __init__(self, agent: BCAgent, demos: ReplayBuffer, *, seed: int) -> None:
        self.agent = agent
        self.demos = demos
        self._batches = SavedGenerator(seed, Stream.BATCHES)
        super().__init__(agent, {"batches": self._batches})

    def update(self) -> Metrics:
        """See :class:`newt_core.agents.base.OfflineAgent`."""
        size = self.agent.cloning.update.batch_size
        return self.agent.update(self.demos.sample(size, 1, self._batches.generator))

    def report(self) -> Mapping[str, SupportsFloat]:
        """See :class:`newt_core.agents.base.OfflineAgent`."""
        return {"lr": self.agent.learning["all"].param_groups[-1]["lr"]}
