"""One round of interaction, the same for a run, a forecast and a benchmark."""

from __future__ import annotations

from newt_core.agents.base import OnlineAgent
from newt_core.training.collector import Collector


class Loop:
    """An agent and its environments, in lock-step.

    Args:
        agent: Acts and learns.
        collector: Supplies experience; begun by whoever runs the loop.
    """

    def __init__(self, agent: OnlineAgent, collector: Collector) -> None:
        self.agent = agent
        self.collector = collector

    def act(self, steps: int) -> int:
        """Make one agent step in every environment, and let the agent see what came of it.

        Args:
            steps: Agent steps so far, summed over environments.

        Returns:
            The agent steps made.
        """
        actions = self.agent.act(self.collector.observation, steps)
        transitions, episodes = self.collector.step(actions)
        self.agent.observe(transitions, episodes)
        return len(transitions.env_ids)
