"""``newt pretrain``: learn from demonstrations alone, before any interaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from newt_core.agents.base import Acting, Agent
from newt_core.evaluation.aggregate import Summary
from newt_core.evaluation.rollout import EvaluationStopped
from newt_core.seeds import Stream, stream_seed
from newt_core.training.checkpoint_folder import LAST
from newt_core.training.content import PRETRAINING
from newt_core.training.loss_curves import plot_losses
from newt_core.training.pretrain import Modes, Pretrainer
from newt_core.types import CountProgress
from newt_core.workflows.context import RunContext, require_run
from newt_core.workflows.evaluate import evaluate_agent

WAYS_TO_ACT: dict[str, Acting] = {
    "policy": Acting(policy_only=True),
    "planning": Acting(prior_weight=0.0),
    "constrained planning": Acting(prior_weight=1.0),
}
"""How the pretrained agent is evaluated at the end."""


@dataclass(frozen=True)
class Pretrained:
    """What ``newt pretrain`` reports."""

    run: Path
    checkpoint: Path
    curves: Path
    """The picture of the losses."""
    updates: int
    scores: Modes
    """Way of acting → mean score in the last evaluation; empty before the first."""
    scored_after: int | None
    """Gradient steps before that; fewer than ``updates`` where it was interrupted."""
    interrupted: bool


def pretrain(run: RunContext, *, resume: bool) -> Pretrained:
    """Run or resume pretraining.

    Args:
        run: The run; ``run.config.demos.folder`` is that of the demonstrations.
        resume: Go on from the newest intact checkpoint.

    Raises:
        NewtError: Whatever the user can put right.
    """
    require_run(run, resume)
    with run.lock():
        return _pretrain(run, resume)


def _pretrain(run: RunContext, resume: bool) -> Pretrained:
    config, folder, parts = run.config, run.folder, run.parts
    restored = run.resume_point(PRETRAINING) if resume else None
    demos = parts.require_demos()
    texts = parts.texts_for(restored)
    agent = parts.new_agent(texts, run.ranks)
    updates = restored.updates if restored is not None else None
    with run.metrics(updates) as metrics:
        pretrainer = Pretrainer(
            config,
            agent=parts.kind.offline(agent, config, demos),
            evaluate=_evaluator(run, agent),
            checkpoints=run.checkpoints(texts, PRETRAINING),
            metrics=metrics,
            progress=run.progress,
            should_stop=run.should_stop,
            ranks=run.ranks,
        )
        if restored is not None:
            pretrainer.load_state_dict(restored.state)
            if run.ranks.writes:
                folder.discard_evaluations_after(pretrainer.updates)
        result = pretrainer.run()
    curves = folder.path / "losses.png"
    if run.ranks.writes:
        plot_losses(folder.metrics_file, curves)
    return Pretrained(
        folder.path,
        folder.checkpoints / LAST,
        curves,
        result.updates,
        result.scores,
        result.scored_after,
        result.interrupted,
    )


def _evaluator(run: RunContext, agent: Agent) -> Callable[[int, bool, CountProgress], Modes | None]:
    """Return what evaluates the policy on the way, and every way of acting at the end."""
    config = run.config

    def evaluate(updates: int, last: bool, tell: CountProgress) -> Modes | None:
        all_ways = (
            last and config.pretrain.final_evaluation == "all" and run.parts.kind.capabilities.plans
        )
        modes = list(WAYS_TO_ACT) if all_ways else ["policy"]
        try:
            summaries: dict[str, Summary] = {
                mode: evaluate_agent(
                    agent,
                    run.parts.specs,
                    config.evaluation.episodes,
                    seed=stream_seed(config.seed, Stream.SELECTION_EPISODES),
                    should_stop=run.should_stop,
                    how=WAYS_TO_ACT[mode],
                    on_progress=partial(_tell, tell, number, len(modes)),
                    ranks=run.ranks,
                )
                for number, mode in enumerate(modes)
            }
        except EvaluationStopped:
            return None
        document = {
            "step": updates,
            **summaries["policy"].to_json(),
            "modes": {mode: summary.to_json() for mode, summary in summaries.items()},
        }
        if run.ranks.writes:
            run.folder.write_evaluation(updates, document)
        return {mode: summary.total.score for mode, summary in summaries.items()}

    return evaluate


def _tell(tell: CountProgress, number: int, of: int, done: int, total: int) -> None:
    """Say how far several evaluations of the same length are, in the one with this number."""
    tell(number * total + done, of * total)
