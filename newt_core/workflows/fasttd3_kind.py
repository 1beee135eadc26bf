"""FastTD3 agents: an actor and two critics that learn by interaction alone."""

from __future__ import annotations

from newt_core.agents.fasttd3.agent import FastTD3Agent
from newt_core.agents.fasttd3.config import FastTD3Config
from newt_core.agents.fasttd3.interaction import FastTD3Interaction
from newt_core.workflows.policy_kind import OffPolicyKind


class FastTD3Kind(OffPolicyKind):
    """See :class:`newt_core.workflows.agent_kinds.AgentKind`."""

    options = FastTD3Config
    agent = FastTD3Agent
    interaction = FastTD3Interaction
