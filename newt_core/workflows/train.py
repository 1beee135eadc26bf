"""``newt train``: learn from demonstrations where there are any, then by interaction.

(Newt, section 3.) The first part is a run of its own inside the run's folder, so that each part
keeps its checkpoints, metrics and evaluations, and goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from newt_core.agents.base import Acting, Agent
from newt_core.encoders.feature_pool import open_pool
from newt_core.evaluation.rollout import EvaluationStopped
from newt_core.files import write_text
from newt_core.replay import ReplayBuffer
from newt_core.seeds import Stream, stream_seed
from newt_core.training.checkpoint_folder import LAST
from newt_core.training.collector import Collector
from newt_core.training.content import INTERACTION, CheckpointContent
from newt_core.training.online import OnlineTrainer
from newt_core.training.outcome import Scores
from newt_core.training.progress import RunStatus
from newt_core.training.rank_states import saved_ranks
from newt_core.training.run_folder import RunFolder
from newt_core.training.schedule import prior_weight
from newt_core.types import CountProgress
from newt_core.workflows.context import RunContext, require_run
from newt_core.workflows.evaluate import evaluate_agent
from newt_core.workflows.overlap import matrix_products_of, overlap_of
from newt_core.workflows.pretrain import Pretrained, pretrain
from newt_core.workflows.rank_shares import (
    carry_replay,
    discard_other_replays,
    empty_replay,
    replay_folder,
    share_environments,
)


@dataclass(frozen=True)
class Trained:
    """What ``newt train`` reports."""

    run: Path
    checkpoint: Path
    steps: int
    score: float | None
    """Of the last evaluation."""
    score_steps: int | None
    """Where the run was then."""
    interrupted: bool


def train(run: RunContext, *, resume: bool) -> Trained:
    """Run or resume both parts. Encoders, texts and demonstrations are made once for both.

    Stopped during the first part, the result has no steps and names that part's checkpoint.

    Args:
        run: The run.
        resume: Go on from the newest intact checkpoint.

    Raises:
        NewtError: Whatever the user can put right.
    """
    require_run(run, resume)
    weights = None
    interacted = any(run.folder.checkpoints.glob("*.pt"))
    if run.config.pretrains and not interacted:
        # interact() takes the same lock; what it finds it has to have to itself, too.
        with run.lock():
            outcome = _pretrain(run)
        if outcome.interrupted:
            return Trained(run.folder.path, outcome.checkpoint, 0, None, None, interrupted=True)
        weights = outcome.checkpoint
    return interact(run, resume=resume, weights=weights)


def interact(run: RunContext, *, resume: bool, weights: Path | None = None) -> Trained:
    """Run or resume the interaction alone.

    Demonstrations are used as the settings say, except that learning from them alone comes before.

    Args:
        run: The run.
        resume: Go on from the newest intact checkpoint.
        weights: A checkpoint that a new run begins with instead of ``config.pretrained``.

    Raises:
        NewtError: Whatever the user can put right.
    """
    weights = weights or run.config.pretrained
    with run.lock():
        return _interact(run, resume, weights)


def _pretrain(run: RunContext) -> Pretrained:
    folder = run.folder.pretraining
    if run.ranks.writes and folder.config_file.exists():
        with folder.lock():  # Whoever goes on with this part alone keeps its settings.
            write_text(folder.config_file, run.config.to_yaml())
    elif run.ranks.writes:
        RunFolder.create(folder.name, run.config.to_yaml(), root=run.folder.path)
    run.ranks.gather(None)  # Nobody looks into it before it is there.
    return pretrain(replace(run, folder=folder, made=run.parts), resume=True)


def _interact(run: RunContext, resume: bool, weights: Path | None) -> Trained:
    config, folder, parts = run.config, run.folder, run.parts
    specs, encoder = parts.specs, parts.image_encoder
    restored = run.resume_point(INTERACTION) if resume else None
    texts = parts.texts_for(restored)
    agent = parts.new_agent(texts, run.ranks)
    if restored is None and weights is not None:
        parts.kind.take_over(agent, weights, texts.encoder, config)
    restored_step = restored.steps if restored is not None else None
    if restored is not None and restored.steps >= config.steps:
        taken = f"all of its {config.steps:,} steps are taken already: --steps goes on with more"
        run.progress.update(RunStatus(restored.steps, config.steps, 0, 0.0, {}, message=taken))
    if encoder is not None:
        seen = f"pictures go through the image encoder {encoder.name}"
        run.progress.update(RunStatus(restored_step or 0, config.steps, 0, 0.0, {}, message=seen))
    ranks = run.ranks
    state = restored.state if restored is not None else None
    share = share_environments(config, specs, ranks, state)
    replays = replay_folder(folder, ranks.rank, ranks.size)
    carries = restored is not None and len(saved_ranks(restored.state)) != ranks.size
    if carries:
        empty_replay(replays)
    learner = parts.kind.online(
        agent, config, share.tasks, replays, parts.demos, restored=restored is not None
    )
    replay = learner.parts.get("replay")
    if restored is not None and carries and isinstance(replay, ReplayBuffer):
        carry_replay(restored.state, folder, config, share, replay)
        run.progress.update(
            RunStatus(restored.steps, config.steps, 0, 0.0, {}, message=_anew(run, restored))
        )
    entries = [specs[i] for i in share.tasks]
    with (
        open_pool(
            entries, encoder, agent.feature_stack, seed=config.seed, ray=config.ray or None
        ) as pool,
        run.metrics(restored_step) as metrics,
        matrix_products_of(config, parts.device),
    ):
        trainer = OnlineTrainer(
            config,
            agent=learner,
            collector=Collector(
                pool,
                share.tasks,
                seed=stream_seed(config.seed, Stream.TRAINING_EPISODES),
                features=encoder is not None,
                envs=share.envs,
            ),
            evaluate=_evaluator(run, agent),
            checkpoints=run.checkpoints(texts, INTERACTION),
            metrics=metrics,
            progress=run.progress,
            should_stop=run.should_stop,
            ranks=ranks,
            overlap=overlap_of(config, len(entries), parts.device),
        )
        if restored is not None:
            trainer.load_state_dict(restored.state)
            if ranks.writes:
                folder.discard_evaluations_after(trainer.steps)
        result = trainer.run()
    if ranks.writes:
        discard_other_replays(folder, ranks.size)
    last = folder.checkpoints / LAST
    return Trained(
        folder.path, last, result.steps, result.score, result.score_steps, result.interrupted
    )


def _anew(run: RunContext, restored: CheckpointContent) -> str:
    """Say what does not come over when the number of ranks changes."""
    before, now = len(saved_ranks(restored.state)), run.ranks.size
    kept = "their replay is shared out anew" if run.config.replay.on_disk else "the replay is empty"
    return (
        f"{now} rank{'' if now == 1 else 's'} instead of {before}: {kept}, and which rows and "
        "actions are drawn is not what it would have been"
    )


def _evaluator(run: RunContext, agent: Agent) -> Callable[[int, CountProgress], Scores | None]:
    """Return the function that evaluates the agent as it acts by now and stores the result."""
    config = run.config

    def evaluate(step: int, tell: CountProgress) -> Scores | None:
        known = run.first_evaluation if step == 0 else None
        if known is not None:
            if run.ranks.writes:
                run.folder.write_evaluation(step, known)
            return Scores(known["score"], {n: d["score"] for n, d in known["domains"].items()})
        try:
            summary = evaluate_agent(
                agent,
                run.parts.specs,
                config.evaluation.episodes,
                seed=stream_seed(config.seed, Stream.SELECTION_EPISODES),
                how=Acting(prior_weight=prior_weight(config, step)),
                should_stop=run.should_stop,
                on_progress=tell,
                ranks=run.ranks,
            )
        except EvaluationStopped:
            return None
        if run.ranks.writes:
            run.folder.write_evaluation(step, {"step": step, **summary.to_json()})
        domains = {name: domain.score for name, domain in summary.domains.items()}
        return Scores(summary.total.score, domains)

    return evaluate
