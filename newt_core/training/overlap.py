"""What a round of a run does at the same time: simulate, plan, learn.

In lock-step, each waits for the others: all environments are planned for, then all are simulated,
then the updates are taken that are due. Two things can go on beside each other without any result
depending on which is the faster:

* **Groups**: the actions of one group of environments are sent as soon as they are chosen. It is
  simulated while the next group's are. A round ends when all groups have made their step.
* **Updates beside a round**: some of the updates that a round owes are taken in a thread of their
  own while the next round's actions are chosen by the weights of before. They are waited for before
  the round ends. So actions are chosen without these updates, and without no others: what an agent
  acts by is at most one round old.

Between rounds nothing is under way: a run can be saved, evaluated and stopped there as ever.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Overlap:
    """How much of a round goes on at the same time; by default nothing."""

    groups: int = 1
    """Groups of environments, whose actions are chosen one after the other."""
    updates: int = 0
    """Of the updates that a round owes, how many, at most, are taken beside the next one."""
    groups_beside: int = 1
    """Groups whose actions are chosen meanwhile. The others' wait for the updates, and then have
    the whole machine."""


LOCK_STEP = Overlap()
"""One thing after the other."""
