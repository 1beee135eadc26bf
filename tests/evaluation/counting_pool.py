"""A pool without processes whose numbers can be worked out by hand."""

from __future__ import annotations

import numpy as np

from newt_core.specs import TaskSpec
from newt_core.types import FloatArray, IntArray
from tests.fixtures.plain_pool import PlainPool
from tests.fixtures.point_pool import point_task


def task(task_id: str, length: int, *, domain: str = "dmcontrol", action_dim: int = 2) -> TaskSpec:
    """Return a task whose score is its return, where it has no success signal."""
    score = {"kind": "return", "low": 0.0, "high": 1.0}
    return point_task(task_id, length, domain=domain, action_dim=action_dim, score=score)


class CountingPool(PlainPool):
    """Every step pays the first entry of the action.

    The observation is (environment, number of the episode, steps in the episode).
    """

    def _begin(self, env: int) -> None:
        pass

    def _move(self, ids: IntArray, push: FloatArray) -> FloatArray:
        return push

    def _seen(self, ids: IntArray) -> FloatArray:
        seen = np.column_stack([ids, self._number[ids], self._steps[ids]])
        return seen.astype(np.float32)
