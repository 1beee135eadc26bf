"""What happened lately: episodes that ended, and the speed of the run."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from newt_core.types import Transitions


class RecentEpisodes:
    """Mean return and score of the training episodes that ended since it was last asked.

    Args:
        task_ids: [E] the task of each environment.
    """

    def __init__(self, task_ids: Sequence[str]) -> None:
        self._task_ids = task_ids
        self._returns = np.zeros(len(task_ids))
        self._ended: dict[str, list[tuple[float, float]]] = {}

    def add(self, transitions: Transitions) -> None:
        """Take in one step of K environments."""
        ids = transitions.env_ids
        self._returns[ids] += np.where(transitions.lost, 0.0, transitions.reward)
        for k in np.flatnonzero(transitions.done & ~transitions.lost):
            env = int(ids[k])
            outcome = (float(self._returns[env]), float(transitions.score[k]))
            self._ended.setdefault(self._task_ids[env], []).append(outcome)
        self._returns[ids[transitions.done | transitions.lost]] = 0.0

    def pop(self) -> dict[str, float]:
        """``train/return/<task>`` and ``train/score/<task>``; forgets the episodes."""
        metrics: dict[str, float] = {}
        for task, outcomes in self._ended.items():
            returns, scores = np.mean(outcomes, axis=0)
            metrics[f"train/return/{task}"] = float(returns)
            metrics[f"train/score/{task}"] = float(scores)
        self._ended.clear()
        return metrics


class Speed:
    """Agent steps per second since the last restart; evaluations do not count."""

    def __init__(self) -> None:
        self.last_log = time.monotonic()
        self.restart(0)

    def restart(self, steps: int) -> None:
        """Measure from here on."""
        self._since = time.monotonic()
        self._steps = steps

    def rate(self, steps: int) -> float:
        """Steps per second."""
        return (steps - self._steps) / max(time.monotonic() - self._since, 1e-9)
