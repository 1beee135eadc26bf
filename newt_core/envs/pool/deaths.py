"""How often environments and workers die, and when that is too often."""

from __future__ import annotations

import time
from collections import defaultdict, deque

from newt_core.envs.pool.api import OUTSIDE_TASKS, PoolStats
from newt_core.errors import EnvironmentFailure

FATAL_DEATHS = 3
"""So many deaths of one task in one worker, or in its replacements, ..."""
FATAL_WINDOW_S = 60.0
"""... within so many seconds end the run. With more workers, more deaths are borne in all."""


class DeathLog:
    """Counts deaths per task and worker, and decides when there were too many.

    Args:
        stats: where to count.
    """

    def __init__(self, stats: PoolStats) -> None:
        self._stats = stats
        self._times: defaultdict[tuple[str, int], deque[float]] = defaultdict(deque)
        self._hung_s = 0.0

    def record(
        self, task_id: str | None, error: str, worker: int = 0, *, hung_s: float = 0.0
    ) -> None:
        """Count a death of a task, or of a worker outside any task.

        Args:
            task_id: the task, if the worker was inside one.
            error: what happened.
            worker: index of the worker that it happened in.
            hung_s: how long it took to notice. Such time does not count: a task that always
                hangs would otherwise never die three times within a minute.

        Raises:
            EnvironmentFailure: it was the third of the task in this worker within a minute.
        """
        name = task_id or OUTSIDE_TASKS
        self._stats.deaths[name] = self._stats.deaths.get(name, 0) + 1
        times = self._times[name, worker]
        self._hung_s += hung_s
        times.append(time.monotonic() - self._hung_s)
        while times[-1] - times[0] > FATAL_WINDOW_S:
            times.popleft()
        if len(times) >= FATAL_DEATHS:
            who = f"task '{task_id}' failed" if task_id else "environment workers died"
            raise EnvironmentFailure(
                f"{who} {len(times)} times within {FATAL_WINDOW_S:.0f} s; last error: {error}."
            )
