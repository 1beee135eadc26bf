"""How many gradient steps are owed."""

from __future__ import annotations


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
