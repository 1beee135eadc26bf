"""How many gradient steps a run owes for the agent steps it has taken."""

from __future__ import annotations


class UpdateDebt:
    """Counts gradient steps owed, so that any ratio is kept exactly in the long run.

    Steps taken before learning starts count too: their updates are owed at once when it does
    (TD-MPC2 calls this burst its pretraining on seed data).

    Args:
        per_step: Gradient steps per agent step.
    """

    def __init__(self, per_step: float) -> None:
        self.per_step = per_step

    def owed(self, steps: int, updates: int) -> int:
        """Updates to take now, given the steps and updates so far."""
        # The small term keeps 0.1 x 30 from rounding down to 2.
        return max(0, int(steps * self.per_step + 1e-6) - updates)
