"""``newt finetune``: unseen tasks, each learned by itself from a checkpoint's weights.

First the checkpoint's score as it is, then interaction without demonstrations (Newt, section 4),
once for every training seed; beside it, if asked for, the same from random weights. Each of these
is an ordinary run inside the finetuning's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from newt_core.evaluation.rollout import EvaluationStopped
from newt_core.reporting.finetune_page import write_finetune_page
from newt_core.reporting.finetune_scores import finetune_scores
from newt_core.seeds import Stream, stream_seed
from newt_core.training.checkpoint_folder import LAST
from newt_core.training.config import RunConfig
from newt_core.training.finetuning import PRETRAINED, Finetuning, Member
from newt_core.training.list_progress import ListProgress
from newt_core.training.progress import RunStatus
from newt_core.training.resume import run_settings
from newt_core.workflows.context import RunContext
from newt_core.workflows.evaluate import evaluate_agent
from newt_core.workflows.finetune_settings import FinetuneContext, load_as_it_is
from newt_core.workflows.train import interact, train


@dataclass(frozen=True)
class Finetuned:
    """What ``newt finetune`` reports."""

    run: Path
    """The finetuning's folder."""
    checkpoint: Path
    """That of the newest run from the checkpoint's weights."""
    steps: int
    """Agent steps of each run."""
    scores: dict[str, Any]
    """See :func:`newt_core.reporting.finetune_scores.finetune_scores`."""
    interrupted: bool


def finetune(context: FinetuneContext) -> Finetuned:
    """Make the runs that are not done yet, one after the other, and write the scores so far.

    Raises:
        NewtError: Whatever the user can put right.
    """
    finetuning = context.finetuning
    with finetuning.lock():
        plan = finetuning.plan
        steps = {member: run_settings(finetuning.run(member)).steps for member in plan.members}
        done: dict[str, int] = dict(finetuning.read().get("done", {}))
        ended = [member for member in plan.members if done.get(member.name) == steps[member]]
        expected = dict.fromkeys(plan.members, context.run_seconds)
        watched = ListProgress(context.progress, steps, ended, expected)
        interrupted, scores = False, None
        for member in plan.members:
            if member in ended:
                continue
            interrupted = not _make(replace(context, progress=watched.of(member)), member)
            watched.end(member, whole=not interrupted)
            if not interrupted:
                done[member.name] = steps[member]
            scores = _write(finetuning, steps, done)
            if interrupted:
                break
    begun = [
        file
        for member in plan.members
        if member.variant == PRETRAINED
        and (file := finetuning.run(member).checkpoints / LAST).is_file()
    ]
    return Finetuned(
        finetuning.path,
        begun[-1] if begun else finetuning.checkpoint,
        max(steps.values()),
        scores or _write(finetuning, steps, done),
        interrupted,
    )


def _make(context: FinetuneContext, member: Member) -> bool:
    """Make one of the runs, or go on with it; return whether it has come to its end."""
    finetuning = context.finetuning
    folder = finetuning.run(member)
    config = run_settings(folder)
    run = RunContext(config, folder, context.library, context.progress, context.should_stop)
    if member.variant != PRETRAINED:
        return not train(run, resume=True).interrupted
    known = finetuning.zero_shot(member)
    if known is None:
        try:
            known = _zero_shot(context, config)
        except EvaluationStopped:
            return False
        finetuning.write_zero_shot(member, known)
    run = replace(run, first_evaluation=known)
    return not interact(run, resume=True, weights=finetuning.checkpoint).interrupted


def _zero_shot(context: FinetuneContext, config: RunConfig) -> dict[str, Any]:
    """Evaluate the checkpoint on a run's task as ``newt eval`` does, with the run's seed."""
    status = RunStatus(0, config.steps, 0, 0.0, {}, "the checkpoint's score as it is")
    context.progress.update(status)
    library = context.library
    tasks = library.select(config.tasks)
    agent, tasks = load_as_it_is(config, tasks, library, context.finetuning.checkpoint)
    summary = evaluate_agent(
        agent,
        tasks,
        config.evaluation.episodes,
        seed=stream_seed(config.seed, Stream.REPORTED_EPISODES),
        should_stop=context.should_stop,
    )
    return {"step": 0, **summary.to_json()}


def _write(
    finetuning: Finetuning, steps: Mapping[Member, int], done: Mapping[str, int]
) -> dict[str, Any]:
    """Write the scores so far and the page, and return the scores."""
    scores = finetune_scores(finetuning, steps, done)
    finetuning.write(scores, done)
    write_finetune_page(finetuning, scores)
    return scores
