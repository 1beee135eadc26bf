"""What a finetuning has come to so far: before, on the way and at the end, over its seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from newt_core.evaluation.aggregate import mean_of_samples
from newt_core.reporting.history import History, read_history
from newt_core.training.cadence import moment_of
from newt_core.training.finetuning import PRETRAINED, Finetuning, Member, Variant

SHARES = (0.1, 0.25, 0.5, 1.0)
"""Of a run's steps: where scores are reported."""


def finetune_scores(
    finetuning: Finetuning, lengths: Mapping[Member, int], done: Mapping[str, int]
) -> dict[str, Any]:
    """Return the scores of a finetuning, in JSON's own types.

    An estimate is ``{"score", "ci95", "seeds"}``: the mean over training seeds, half the width of
    its 95 % interval (Student's t over the seeds; None for one), and how many seeds have got
    there. The average is over tasks, with the spread of the seeds within each; it is None until
    every task has got there.

    Args:
        finetuning: Its folder.
        lengths: Run → the agent steps that it is to take.
        done: Run → agent steps, for those that have ended.
    """
    plan = finetuning.plan
    histories = {member: read_history(finetuning.run(member)) for member in plan.members}
    samples: dict[str, dict[str, list[list[float]]]] = {}
    tasks: dict[str, Any] = {}
    for task in plan.tasks:
        own = [member for member in plan.members if member.task == task]
        found: dict[str, dict[str, list[float]]] = {"zero_shot": {"": _zero_shots(finetuning, own)}}
        for variant in plan.variants:
            runs = [member for member in own if member.variant == variant]
            found[variant] = {
                _percent(share): _scores_at(share, runs, histories, lengths) for share in SHARES
            }
            if variant != PRETRAINED:
                found[variant] = {"0": _scores_at(0.0, runs, histories, lengths)} | found[variant]
        for part, values in found.items():
            for moment, scores in values.items():
                samples.setdefault(part, {}).setdefault(moment, []).append(scores)
        tasks[task] = {
            "seen": task in plan.seen,
            **_estimates(
                {part: {m: [s] for m, s in values.items()} for part, values in found.items()}
            ),
            "curves": {v: _curve(task, v, own, histories) for v in plan.variants},
        }
    return {
        "tasks": tasks,
        "average": _estimates(samples),
        "runs": [
            {
                "run": member.name,
                "task": member.task,
                "variant": member.variant,
                "seed": member.seed,
                "steps": lengths[member],
                "done": done.get(member.name) == lengths[member],
            }
            for member in plan.members
        ],
    }


def curve_history(task_scores: Mapping[str, Any], variant: Variant, label: str) -> History:
    """Return the curves of all tasks of a variant as one run's history.

    Args:
        task_scores: Task → its part of :func:`finetune_scores`.
        variant: Which curves.
        label: What to call them.
    """
    evaluations: dict[int, dict[str, Any]] = {}
    for task, scores in task_scores.items():
        for point in scores["curves"][variant]:
            there = evaluations.setdefault(point["step"], {"tasks": {}})
            there["tasks"][task] = {"score": point["score"], "ci95": point["ci95"]}
    return History(label, dict(sorted(evaluations.items())), {})


def _estimates(samples: Mapping[str, Mapping[str, Sequence[Sequence[float]]]]) -> dict[str, Any]:
    """Turn part → moment → [tasks][seeds] scores into estimates."""
    made = {
        part: {moment: _estimate(scores) for moment, scores in values.items()}
        for part, values in samples.items()
    }
    return {**made, "zero_shot": made["zero_shot"][""]}


def _estimate(samples: Sequence[Sequence[float]]) -> dict[str, Any] | None:
    if not all(samples):
        return None
    mean = mean_of_samples(samples)
    return {"score": mean.score, "ci95": mean.ci95, "seeds": min(map(len, samples))}


def _zero_shots(finetuning: Finetuning, members: Sequence[Member]) -> list[float]:
    pretrained = [member for member in members if member.variant == PRETRAINED]
    documents = [finetuning.zero_shot(member) for member in pretrained]
    return [float(document["score"]) for document in documents if document is not None]


def _scores_at(
    share: float,
    members: Sequence[Member],
    histories: Mapping[Member, History],
    lengths: Mapping[Member, int],
) -> list[float]:
    """Return the score of each seed that was evaluated at a share of its steps, or soon after.

    That is before the next of :data:`SHARES`: what came later is no score of this one's.
    """
    scores = []
    for member in members:
        total = lengths[member]
        moment = moment_of(share, total)
        later = (moment_of(each, total) for each in SHARES if each > share)
        until = max(next(later, math.inf), moment + 1)
        evaluations = histories[member].interaction
        first = min((step for step in evaluations if moment <= step < until), default=None)
        if first is not None:
            scores.append(float(evaluations[first]["tasks"][member.task]["score"]))
    return scores


def _curve(
    task: str, variant: Variant, members: Sequence[Member], histories: Mapping[Member, History]
) -> list[dict[str, Any]]:
    at: dict[int, list[float]] = {}
    for member in members:
        if member.variant == variant:
            for step, evaluation in histories[member].interaction.items():
                at.setdefault(step, []).append(float(evaluation["tasks"][task]["score"]))
    return [{"step": step, **(_estimate([at[step]]) or {})} for step in sorted(at)]


def _percent(share: float) -> str:
    return f"{100 * share:g}"
