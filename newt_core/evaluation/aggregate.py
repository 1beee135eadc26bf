"""Episodes into scores: per task, per domain and in total, each with a 95 % interval.

A task's score is the mean over its episodes. A domain's, and the total, is the plain mean over
tasks: every task counts the same, whatever its number of episodes (Newt, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from newt_core.evaluation.rollout import EpisodeResult
from newt_core.specs.schema import TaskSpec
from newt_core.specs.score import has_success_signal

CONFIDENCE = 0.95
"""Share of repetitions whose interval holds the true mean."""


@dataclass(frozen=True)
class TaskSummary:
    """One task's episodes."""

    episodes: int
    mean_return: float
    success: float | None
    """Mean success at the last step; None where the task has no success signal."""
    score: float
    ci95: float | None
    """Half width of the score's t-interval; None for a single episode."""


@dataclass(frozen=True)
class GroupSummary:
    """The unweighted mean over several tasks."""

    tasks: int
    score: float
    ci95: float | None
    """Half width of the score's interval, from the spread of the episodes within each task; the
    tasks are the ones meant, not a sample of others. None if one has a single episode."""


@dataclass(frozen=True)
class Summary:
    """What an evaluation amounts to."""

    tasks: dict[str, TaskSummary]
    """Under the tasks' ids."""
    domains: dict[str, GroupSummary]
    """Under the domains' names."""
    total: GroupSummary
    mode: str
    """How the agent acted, such as ``planning`` or ``policy``."""
    seeds: Mapping[int, float] = field(default_factory=dict)
    """Seed → score of its episodes, where there are several seeds; all count in the above."""

    def to_json(self) -> dict[str, Any]:
        """Return the document that ``newt eval --json`` prints, in JSON's own types."""
        return {
            "tasks": {
                task: {
                    "episodes": summary.episodes,
                    "return": summary.mean_return,
                    "success": summary.success,
                    "score": summary.score,
                    "ci95": summary.ci95,
                }
                for task, summary in self.tasks.items()
            },
            "domains": {domain: asdict(summary) for domain, summary in self.domains.items()},
            "score": self.total.score,
            "ci95": self.total.ci95,
            "mode": self.mode,
            **({"seeds": dict(self.seeds)} if self.seeds else {}),
        }


@dataclass(frozen=True)
class _Estimate:
    """A mean, and how well it is known."""

    mean: float
    variance: float
    """Squared standard error of the mean; infinite if unknown."""
    freedom: float
    """Degrees of freedom of ``variance``."""

    @property
    def ci95(self) -> float | None:
        if not math.isfinite(self.variance):
            return None
        if self.variance == 0.0:
            return 0.0
        return _t_quantile(self.freedom) * math.sqrt(self.variance)


def summarise(
    results: Sequence[EpisodeResult], specs: Sequence[TaskSpec], *, mode: str = "planning"
) -> Summary:
    """Summarise an evaluation.

    Args:
        results: the episodes, in any order.
        specs: the tasks, each with at least one episode.
        mode: how the agent acted.

    Raises:
        ValueError: a task has no episode, or there is no task.
    """
    by_task: dict[str, list[EpisodeResult]] = {spec.id: [] for spec in specs}
    for result in results:
        by_task[result.task].append(result)
    missing = [task for task, episodes in by_task.items() if not episodes]
    if missing or not specs:
        raise ValueError(f"no episodes of {', '.join(missing) or 'any task'}")

    estimates = {
        task: _mean([episode.score for episode in episodes]) for task, episodes in by_task.items()
    }
    domains: dict[str, list[_Estimate]] = {}
    for spec in specs:
        domains.setdefault(spec.domain, []).append(estimates[spec.id])
    return Summary(
        tasks={spec.id: _task(spec, by_task[spec.id], estimates[spec.id]) for spec in specs},
        domains={domain: _group(members) for domain, members in domains.items()},
        total=_group(list(estimates.values())),
        mode=mode,
    )


def mean_of_samples(samples: Sequence[Sequence[float]]) -> GroupSummary:
    """Return the unweighted mean of several tasks' means, such as those of their training seeds.

    Args:
        samples: One sequence of independent scores per task, none of them empty.

    Returns:
        The mean, with an interval from the spread within each task; see :class:`GroupSummary`.
    """
    return _group([_mean(scores) for scores in samples])


def _task(spec: TaskSpec, episodes: Sequence[EpisodeResult], score: _Estimate) -> TaskSummary:
    successes = [episode.success for episode in episodes]
    success = float(np.mean(successes))
    known = math.isfinite(success) and has_success_signal(successes, spec.score)
    return TaskSummary(
        episodes=len(episodes),
        mean_return=float(np.mean([episode.episode_return for episode in episodes])),
        success=success if known else None,
        score=score.mean,
        ci95=score.ci95,
    )


def half_width(values: Sequence[float]) -> float | None:
    """Return half the width of the mean's 95 % interval; None for a single value."""
    return _mean(values).ci95


def _mean(values: Sequence[float]) -> _Estimate:
    count = len(values)
    variance = float(np.var(values, ddof=1)) / count if count > 1 else math.inf
    return _Estimate(float(np.mean(values)), variance, count - 1)


def _group(members: Sequence[_Estimate]) -> GroupSummary:
    """Return the mean of independent means.

    Its variance is the sum of theirs over k², with the degrees of freedom of Welch and
    Satterthwaite (Welch, Biometrika 34, 1947).
    """
    count = len(members)
    mean = sum(member.mean for member in members) / count
    total = sum(member.variance for member in members)
    freedom = math.nan  # Not needed where the variance is zero or unknown.
    if 0.0 < total < math.inf:
        freedom = total**2 / sum(member.variance**2 / member.freedom for member in members)
    return GroupSummary(count, mean, _Estimate(mean, total / count**2, freedom).ci95)


def _t_quantile(freedom: float) -> float:
    """Return the two-sided quantile of Student's t distribution."""
    # Loading SciPy takes a moment: not before an interval is wanted.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))
