"""BRC agents: a policy and two large critics that learn by interaction alone."""

from __future__ import annotations

from newt_core.agents.brc.agent import BRCAgent
from newt_core.agents.brc.config import BRCConfig
from newt_core.agents.brc.interaction import BRCInteraction
from newt_core.workflows.policy_kind import OffPolicyKind


class BRCKind(OffPolicyKind):
    """See :class:`newt_core.workflows.agent_kinds.AgentKind`."""

    options = BRCConfig
    agent = BRCAgent
    interaction = BRCInteraction
