"""How near the policy a run plans, which depends on how far it is."""

from __future__ import annotations

from newt_core.planner.prior import constraint_weight
from newt_core.training.config import RunConfig


def prior_weight(config: RunConfig, steps: int) -> float:
    """Return how close planning stays to the policy after some agent steps, in [0, 1].

    It does so at first, if demonstrations or a pretrained policy have made that worth it (Newt,
    constrained planning).
    """
    taught = config.demos.folder is not None or config.pretrained is not None
    if not taught or not config.demos.constrained_planning:
        return 0.0
    planner = config.planner
    return constraint_weight(steps / config.steps, planner.constrain_until, planner.constrain_end)
