"""TD-MPC2 (Hansen et al., 2024): one agent for one task, on Newt's own model and planner.

Newt's method is TD-MPC2's with many tasks, texts and demonstrations. What is left out here is just
that: no text reaches the networks, nothing is cloned, there is one task. The published settings
are the preset ``tdmpc2``; docs/single-task.md says in what this differs from the publication.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from newt_core.agents.base import Capabilities
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.interaction import Interaction
from newt_core.replay import ReplayBuffer
from newt_core.training.config import RunConfig
from newt_core.types import IntArray
from newt_core.workflows.agent_kinds import AgentInputs
from newt_core.workflows.newt_kind import NewtKind


class TDMPC2Kind(NewtKind):
    """See :class:`newt_core.workflows.agent_kinds.AgentKind`."""

    capabilities = Capabilities(
        many_tasks=False,
        reads_text=False,
        plans=True,
        begins_with_weights=True,
        acts_open_loop=True,
        has_sizes=True,
        keeps_episodes=True,
        overlaps=True,
    )

    def new(self, inputs: AgentInputs) -> NewtAgent:
        """Return an agent with random weights, whose networks have no columns for a text."""
        return super().new(replace(inputs, text=inputs.text[:, :0]))

    def online(
        self,
        agent: NewtAgent,
        config: RunConfig,
        task_of_env: IntArray,
        folder: Path,
        demos: ReplayBuffer | None,
        *,
        restored: bool,
    ) -> Interaction:
        """Return the agent with its replay; its policy is not drawn to what the batch did."""
        without = config.demos.model_copy(update={"cloning": False})
        own = config.model_copy(update={"demos": without})
        return super().online(agent, own, task_of_env, folder, demos, restored=restored)
