"""Wires the parts together: settings → pool, replay, agent, trainer, evaluator.

The only module that knows all layers. Everything below it takes what it needs as arguments.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.setup import task_table
from newt_core.build_evaluation import evaluate_agent
from newt_core.encoders.image import ImageEncoder, require_image_encoder
from newt_core.encoders.seeing import open_pool
from newt_core.errors import CheckpointError
from newt_core.evaluation.rollout import EvaluationStopped
from newt_core.model.world_model import TaskTable
from newt_core.replay import Mixture, ReplayBuffer
from newt_core.restore import take_weights
from newt_core.run_parts import RunParts
from newt_core.seeds import Stream, stream_seed
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.checkpoint_folder import LAST, CheckpointFolder, latest_intact
from newt_core.training.collector import Collector
from newt_core.training.config import RunConfig
from newt_core.training.metrics import MetricsLogger, Sink, WandbSink
from newt_core.training.online import OnlineTrainer
from newt_core.training.outcome import Scores
from newt_core.training.pretrain import PRETRAINING
from newt_core.training.progress import Progress, RunStatus
from newt_core.training.run_folder import RunFolder
from newt_core.training.schedule import prior_weight
from newt_core.version import __version__, git_version

ONLINE = "online"
"""What a run is that interacts, as its checkpoints say; compare PRETRAINING."""


@dataclass(frozen=True)
class TrainResult:
    """What ``newt train`` reports."""

    run: Path
    checkpoint: Path
    steps: int
    score: float | None
    interrupted: bool


def train(
    config: RunConfig,
    folder: RunFolder,
    *,
    specs: SpecLibrary,
    resume: bool,
    progress: Progress,
    should_stop: Callable[[], bool],
    weights: Path | None = None,
    parts: RunParts | None = None,
) -> TrainResult:
    """Run or resume online training in a run folder.

    Demonstrations are used as the settings say, except that learning from them alone comes
    before: :mod:`newt_core.recipe` does both.

    Args:
        config: The run's settings.
        folder: Holds everything the run writes; locked meanwhile.
        specs: Where the task selector is looked up.
        resume: Go on from the newest intact checkpoint.
        progress: Who watches.
        should_stop: Asked often; True saves and ends the run.
        weights: A checkpoint that a new run begins with instead of ``config.pretrained``.
        parts: What the command has made of these settings and tasks so far.

    Raises:
        NewtError: Whatever the user can put right.
    """
    if weights is None and config.pretrained is not None:
        weights = Path(config.pretrained)
    with folder.lock():
        parts = parts or RunParts(config, specs.select(config.tasks))
        return _train(config, folder, parts, resume, progress, should_stop, weights)


def _train(
    config: RunConfig,
    folder: RunFolder,
    parts: RunParts,
    resume: bool,
    progress: Progress,
    should_stop: Callable[[], bool],
    weights: Path | None,
) -> TrainResult:
    specs, device = parts.specs, parts.device
    restored = resume_point(folder, specs, ONLINE) if resume else None
    text, vectors = parts.texts_for(restored)
    table = task_table(specs, vectors)
    sight = parts.sight
    agent = new_agent(config, table, sight, device)
    checkpoints = CheckpointFolder(folder.checkpoints, config.checkpoint.keep)
    if restored is not None:
        require_image_encoder(restored.get("image_encoder"), sight, f"the run {folder.path}")
    elif weights is not None:
        take_weights(agent, weights, text, keep_optimiser=config.pretrain.keep_optimiser)
    restored_step = int(restored["counters"]["steps"]) if restored else None
    if sight is not None:
        seen = f"pictures go through the image encoder {sight.name}"
        progress.update(RunStatus(restored_step or 0, config.steps, 0, 0.0, {}, message=seen))
    online = ReplayBuffer(
        config.replay.capacity,
        storage=config.replay.storage if config.replay.save else "ram",
        folder=folder.replay,
        sampling=config.replay.sampling,
        device=device,
        images=config.model.images,
    )
    if restored is None:
        online.clear()
    demos = parts.demos
    task_of_env = np.repeat(np.arange(len(specs)), config.envs_per_task)
    settings = ActorSettings(explore=True)
    actor = Actor(agent, len(task_of_env), seed=config.seed, settings=settings)
    sinks: tuple[Sink, ...] = ()
    if config.wandb:
        sinks = (WandbSink(folder.name, folder.path, config.model_dump(mode="json")),)
    with (
        open_pool(
            [specs[i] for i in task_of_env], sight, config.model.images, seed=config.seed
        ) as pool,
        MetricsLogger(
            folder.metrics_file, folder.tensorboard, restored_step=restored_step, others=sinks
        ) as metrics,
    ):
        trainer = OnlineTrainer(
            config,
            agent=agent,
            actor=actor,
            collector=Collector(
                pool,
                task_of_env,
                seed=stream_seed(config.seed, Stream.TRAINING_EPISODES),
                features=sight is not None,
            ),
            replay=Mixture(online, demos, config.demo_use.batch_share),
            evaluate=_evaluator(agent, specs, config, folder, should_stop),
            describe=describe_run(config, specs, table, text, sight),
            checkpoints=checkpoints,
            metrics=metrics,
            progress=progress,
            should_stop=should_stop,
        )
        if restored is not None:
            trainer.load_state_dict(restored)
            folder.discard_evaluations_after(trainer.steps)
        if demos is not None and config.demo_use.seeding and online.num_episodes == 0:
            for episode in demos.episodes():
                online.add(episode)
        if restored is None and weights is not None and demos is not None:
            first = stream_seed(config.seed, Stream.CALIBRATION)
            generator = torch.Generator().manual_seed(first)
            size, horizon = config.update.batch_size, config.update.horizon
            agent.learner.calibrate(demos.sample(size, horizon, generator))
        result = trainer.run()
    return TrainResult(
        folder.path,
        checkpoints.folder / LAST,
        result.steps,
        result.score,
        result.interrupted,
    )


def resume_point(folder: RunFolder, specs: Sequence[TaskSpec], phase: str) -> dict[str, Any] | None:
    """The newest intact checkpoint's content; None if the run was killed before its first.

    Raises:
        CheckpointError: none can be read, or the run is of other tasks or another phase.
    """
    try:
        found = latest_intact(folder.checkpoints)
    except CheckpointError:
        if any(folder.checkpoints.glob("*.pt")):
            raise
        return None
    for reason in found.skipped:
        warnings.warn(f"passed over a damaged checkpoint: {reason}", stacklevel=2)
    if found.payload.get("phase", ONLINE) != phase:
        command = "train" if phase == PRETRAINING else "pretrain"
        raise CheckpointError(
            f"{folder.path} was made by 'newt {command}': go on with that, with the same --run."
        )
    saved = [task["id"] for task in found.payload["tasks"]]
    if saved != [spec.id for spec in specs]:
        raise CheckpointError(
            f"{found.path} was trained on other tasks ({', '.join(saved[:3])}, …). "
            "Resume with the run's own --tasks and --specs."
        )
    return found.payload


def new_agent(
    config: RunConfig, table: TaskTable, sight: ImageEncoder | None, device: torch.device
) -> NewtAgent:
    """The agent that a run begins with."""
    return NewtAgent(
        config.model,
        config.planner,
        config.update,
        table,
        device=device,
        image_encoder=sight,
        seed=config.seed,
    )


def describe_run(
    config: RunConfig,
    specs: Sequence[TaskSpec],
    table: TaskTable,
    encoder: str,
    sight: ImageEncoder | None = None,
) -> dict[str, Any]:
    """The part of a checkpoint that does not change during a run."""
    return {
        "newt_version": __version__,
        "git_version": git_version(),
        "config": config.model_dump(mode="json"),
        "tasks": [
            {
                "id": spec.id,
                "version": spec.version,
                "spec_hash": spec.spec_hash,
                "obs_dim": spec.obs_dim,
                "action_dim": spec.action_dim,
            }
            for spec in specs
        ],
        "text": table.text,
        "text_encoder": encoder,
        "image_encoder": sight.name if sight is not None else None,
    }


def _evaluator(
    agent: NewtAgent,
    specs: Sequence[TaskSpec],
    config: RunConfig,
    folder: RunFolder,
    should_stop: Callable[[], bool],
) -> Callable[[int], Scores | None]:
    """Return the function that evaluates the agent as it acts by now and stores the result."""

    def run(step: int) -> Scores | None:
        try:
            summary = evaluate_agent(
                agent,
                specs,
                config.evaluation.episodes,
                seed=stream_seed(config.seed, Stream.SELECTION_EPISODES),
                prior_weight=prior_weight(config, step),
                should_stop=should_stop,
            )
        except EvaluationStopped:
            return None
        folder.write_evaluation(step, {"step": step, **summary.to_json()})
        domains = {name: domain.score for name, domain in summary.domains.items()}
        return Scores(summary.total.score, domains)

    return run
