"""Players of ManiSkill's tasks: a Panda's hand, also with a tool in it, and a cartpole."""

from __future__ import annotations

from newt_core.experts.maniskill import cartpole, panda, tools
from newt_core.experts.policy import MakePlayer, player_of
from newt_core.specs.schema import TaskSpec

CARTPOLES = frozenset(
    {
        "MS-CartpoleBalance-v1",
        "MS-CartpoleBalanceSparse-v1",
        "MS-CartpoleSwingUp-v1",
        "MS-CartpoleSwingUpSparse-v1",
    }
)
"""Environments of the one cartpole."""


def find(spec: TaskSpec) -> MakePlayer | None:
    """Return what makes players of a task, or None."""
    name = str(spec.env.get("id"))
    if name in CARTPOLES:
        return player_of(cartpole.balance)
    controlled = f"{name}/{spec.env.get('control_mode')}"
    if controlled in tools.POLICIES:
        return player_of(tools.POLICIES[controlled])
    return panda.player(controlled)
