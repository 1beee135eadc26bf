"""Agents of behaviour cloning: a policy that learns from demonstrations alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from newt_core.agents.base import Capabilities, OnlineAgent
from newt_core.agents.bc.agent import BCAgent, BCConfig, CloningSettings
from newt_core.agents.bc.cloning import Cloning
from newt_core.agents.newt.setup import task_table
from newt_core.replay import ReplayBuffer
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.workflows.agent_kinds import AgentInputs, FromNothing


class BCKind(FromNothing):
    """See :class:`newt_core.workflows.agent_kinds.AgentKind`."""

    capabilities = Capabilities(
        learns_online=False,
        reads_features=True,
        learns_from_demonstrations=True,
        has_sizes=True,
    )
    options = BCConfig

    def check(self, config: RunConfig, specs: Sequence[TaskSpec]) -> None:
        """Find nothing to refuse: any step of any task can be imitated."""

    def new(self, inputs: AgentInputs) -> BCAgent:
        """Return an agent with random weights."""
        config = inputs.config
        return BCAgent(
            config.model,
            BCConfig.model_validate(config.agent.options),
            task_table(inputs.specs, inputs.text),
            CloningSettings(config.update, config.pretrain.lr_factor),
            device=inputs.device,
            image_encoder=inputs.image_encoder,
            seed=config.seed,
            ranks=inputs.ranks,
        )

    def online(self, *arguments: Any, restored: bool) -> OnlineAgent:
        """See :class:`newt_core.workflows.agent_kinds.AgentKind`; never called."""
        raise NotImplementedError

    def offline(self, agent: BCAgent, config: RunConfig, demos: ReplayBuffer) -> Cloning:
        """Return the agent with its demonstrations."""
        return Cloning(agent, demos, seed=config.seed)
