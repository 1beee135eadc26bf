"""What happened lately: episodes that ended, and the speed of the run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from newt_core.types import Transitions

Ended = dict[str, list[list[float]]]
"""A task's id → return and score of each episode that ended."""


class RecentEpisodes:
    """Mean return and score of the training episodes that ended since they were last cleared.

    Args:
        task_ids: [E] the task of each environment.
    """

    def __init__(self, task_ids: Sequence[str]) -> None:
        self._task_ids = task_ids
        self._returns = np.zeros(len(task_ids))
        self._ended: Ended = {}

    def add(self, transitions: Transitions) -> None:
        """Take in one step of K environments."""
        ids = transitions.env_ids
        self._returns[ids] += np.where(transitions.lost, 0.0, transitions.reward)
        for k in np.flatnonzero(transitions.done & ~transitions.lost):
            env = int(ids[k])
            outcome = [float(self._returns[env]), float(transitions.score[k])]
            self._ended.setdefault(self._task_ids[env], []).append(outcome)
        self._returns[ids[transitions.done | transitions.lost]] = 0.0

    @property
    def ended(self) -> Ended:
        """The episodes that ended."""
        return {task: [list(one) for one in outcomes] for task, outcomes in self._ended.items()}

    def means(self) -> dict[str, float]:
        """Return ``train/return/<task>`` and ``train/score/<task>``."""
        return means_of([self._ended])

    def discard_open(self) -> None:
        """Forget the returns so far of the episodes that have not ended."""
        self._returns[:] = 0.0

    def clear(self) -> None:
        """Forget the episodes that ended."""
        self._ended.clear()

    def state_dict(self) -> dict[str, Any]:
        """Return the returns so far, and the episodes that ended."""
        return {"returns": torch.from_numpy(self._returns.copy()), "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Undo :meth:`state_dict`."""
        self._returns = state["returns"].numpy().copy()
        self._ended = {
            task: [list(one) for one in outcomes] for task, outcomes in state["ended"].items()
        }


def means_of(several: Sequence[Ended]) -> dict[str, float]:
    """Return ``train/return/<task>`` and ``train/score/<task>`` of the episodes of some ranks."""
    together: Ended = {}
    for ended in several:
        for task, outcomes in ended.items():
            together.setdefault(task, []).extend(outcomes)
    metrics: dict[str, float] = {}
    for task, outcomes in together.items():
        returns, scores = np.mean(outcomes, axis=0)
        metrics[f"train/return/{task}"] = float(returns)
        metrics[f"train/score/{task}"] = float(scores)
    return metrics


class Speed:
    """Steps per second; what happens between :meth:`pause` and :meth:`go_on` does not count."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, steps: int) -> None:
        """Measure from here on, and forget what was before."""
        self._rate = 0.0
        self.go_on(steps)

    def go_on(self, steps: int) -> None:
        """Measure from here on; until there is a step, the rate is the one before."""
        self._since = time.monotonic()
        self._steps = steps

    def pause(self, steps: int) -> None:
        """Keep the rate as it is, until there is a step after :meth:`go_on`."""
        self._rate, self._steps = self.rate(steps), steps

    def rate(self, steps: int) -> float:
        """Return the steps per second."""
        done = steps - self._steps
        if done <= 0:
            return self._rate
        return done / max(time.monotonic() - self._since, 1e-9)
