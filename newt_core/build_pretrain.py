"""Wires a pretraining together: demonstrations → buffer, agent, pretrainer, evaluator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.setup import task_table
from newt_core.build import describe_run, new_agent, resume_point
from newt_core.build_evaluation import evaluate_agent
from newt_core.encoders.image import require_image_encoder
from newt_core.evaluation.aggregate import Summary
from newt_core.evaluation.rollout import EvaluationStopped
from newt_core.run_parts import RunParts
from newt_core.seeds import Stream, stream_seed
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.checkpoint_folder import LAST, CheckpointFolder
from newt_core.training.config import RunConfig
from newt_core.training.loss_curves import plot_losses
from newt_core.training.metrics import MetricsLogger, Sink, WandbSink
from newt_core.training.pretrain import PRETRAINING, Modes, Pretrainer
from newt_core.training.progress import Progress
from newt_core.training.run_folder import RunFolder

WAYS_TO_ACT: dict[str, dict[str, Any]] = {
    "policy": {"policy_only": True},
    "planning": {"prior_weight": 0.0},
    "constrained planning": {"prior_weight": 1.0},
}
"""How the pretrained agent is evaluated at the end → arguments of ``evaluate_agent``."""


@dataclass(frozen=True)
class PretrainOutcome:
    """What ``newt pretrain`` reports."""

    run: Path
    checkpoint: Path
    curves: Path
    """The picture of the losses."""
    updates: int
    scores: Modes
    """Way of acting → mean score; empty if it was interrupted before the end."""
    interrupted: bool


def pretrain(
    config: RunConfig,
    folder: RunFolder,
    *,
    specs: SpecLibrary,
    resume: bool,
    progress: Progress,
    should_stop: Callable[[], bool],
    parts: RunParts | None = None,
) -> PretrainOutcome:
    """Run or resume pretraining in a run folder.

    Args:
        config: The run's settings; ``config.demos`` is the folder of the demonstrations.
        folder: Holds everything the run writes; locked meanwhile.
        specs: Where the task selector is looked up.
        resume: Go on from the newest intact checkpoint.
        progress: Who watches.
        should_stop: Asked often; True saves and ends the run.
        parts: What the command has made of these settings and tasks so far.

    Raises:
        NewtError: Whatever the user can put right.
    """
    with folder.lock():
        parts = parts or RunParts(config, specs.select(config.tasks))
        return _pretrain(config, folder, parts, resume, progress, should_stop)


def _pretrain(
    config: RunConfig,
    folder: RunFolder,
    parts: RunParts,
    resume: bool,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> PretrainOutcome:
    specs, device = parts.specs, parts.device
    restored = resume_point(folder, specs, PRETRAINING) if resume else None
    sight = parts.sight
    if restored is not None:
        require_image_encoder(restored.get("image_encoder"), sight, f"the run {folder.path}")
    demos = parts.require_demos()
    text, vectors = parts.texts_for(restored)
    table = task_table(specs, vectors)
    agent = new_agent(config, table, sight, device)
    checkpoints = CheckpointFolder(folder.checkpoints, config.checkpoint.keep)
    sinks: tuple[Sink, ...] = ()
    if config.wandb:
        sinks = (WandbSink(folder.name, folder.path, config.model_dump(mode="json")),)
    updates = int(restored["counters"]["updates"]) if restored else None
    with MetricsLogger(
        folder.metrics_file, folder.tensorboard, restored_step=updates, others=sinks
    ) as metrics:
        pretrainer = Pretrainer(
            config,
            agent=agent,
            demos=demos,
            evaluate=_evaluator(agent, specs, config, folder, should_stop),
            describe={
                **describe_run(config, specs, table, text, sight),
                "phase": PRETRAINING,
            },
            checkpoints=checkpoints,
            metrics=metrics,
            progress=progress,
            should_stop=should_stop,
        )
        if restored is not None:
            pretrainer.load_state_dict(restored)
            folder.discard_evaluations_after(pretrainer.updates)
        result = pretrainer.run()
    curves = folder.path / "losses.png"
    plot_losses(folder.metrics_file, curves)
    return PretrainOutcome(
        folder.path,
        checkpoints.folder / LAST,
        curves,
        result.updates,
        result.scores,
        result.interrupted,
    )


def _evaluator(
    agent: NewtAgent,
    specs: Sequence[TaskSpec],
    config: RunConfig,
    folder: RunFolder,
    should_stop: Callable[[], bool],
) -> Callable[[int, bool], Modes | None]:
    """Return what evaluates the policy on the way, and every way of acting at the end."""

    def run(updates: int, last: bool) -> Modes | None:
        try:
            summaries: dict[str, Summary] = {
                mode: evaluate_agent(
                    agent,
                    specs,
                    config.evaluation.episodes,
                    seed=stream_seed(config.seed, Stream.SELECTION_EPISODES),
                    should_stop=should_stop,
                    **arguments,
                )
                for mode, arguments in WAYS_TO_ACT.items()
                if mode == "policy" or (last and config.pretrain.final_evaluation == "all")
            }
        except EvaluationStopped:
            return None
        document = {
            "step": updates,
            **summaries["policy"].to_json(),
            "modes": {mode: summary.to_json() for mode, summary in summaries.items()},
        }
        folder.write_evaluation(updates, document)
        return {mode: summary.total.score for mode, summary in summaries.items()}

    return run
