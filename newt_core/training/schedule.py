"""What depends on how far a run is: how it plans, and the gradient steps it owes."""

from __future__ import annotations

from newt_core.planner.prior import constraint_weight
from newt_core.training.config import RunConfig


def prior_weight(config: RunConfig, steps: int) -> float:
    """Return how close planning stays to the policy after some agent steps, in [0, 1].

    It does so at first, if demonstrations or a pretrained policy have made that worth it (Newt,
    constrained planning).
    """
    taught = bool(config.demos) or config.pretrained is not None
    if not taught or not config.demo_use.constrained_planning:
        return 0.0
    planner = config.planner
    return constraint_weight(steps / config.steps, planner.constrain_until, planner.constrain_end)


class UpdateDebt:
    """Counts gradient steps owed, so that any ratio is kept exactly in the long run.

    Args:
        per_step: Gradient steps per agent step.
        catch_up: Count the steps taken before learning began, too: their updates are owed at
            once when it does (TD-MPC2 calls this burst its pretraining on seed data).
    """

    def __init__(self, per_step: float, *, catch_up: bool) -> None:
        self.per_step = per_step
        self.catch_up = catch_up

    def owed(self, steps: int, updates: int, *, began: int) -> int:
        """Updates to take now.

        Args:
            steps: Agent steps so far.
            updates: Gradient steps so far.
            began: Agent steps at which learning began.
        """
        counted = steps if self.catch_up else steps - began
        # The small term keeps 0.1 x 30 from rounding down to 2.
        return max(0, int(counted * self.per_step + 1e-6) - updates)
