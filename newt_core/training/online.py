"""Learning by interaction: act, store, update, evaluate, save.

The loop is synchronous: one agent step in every environment, then the gradient steps owed.
It owns no policy of its own; everything that decides is handed in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.encoders.seeing import SeeingPool
from newt_core.envs.pool import Pool
from newt_core.replay import EpisodeRecorder, Mixture
from newt_core.seeds import Stream, stream_seed
from newt_core.training.checkpoint_folder import LAST, CheckpointFolder
from newt_core.training.config import RunConfig
from newt_core.training.health import check_finite
from newt_core.training.metrics import MetricsLogger
from newt_core.training.progress import Progress, RunStatus
from newt_core.training.random_phase import RandomPhase
from newt_core.training.random_state import capture_random_state, restore_random_state
from newt_core.training.recent import RecentEpisodes, Speed
from newt_core.training.schedule import UpdateDebt, prior_weight
from newt_core.types import BoolArray, FloatArray, HalfArray, Transitions

LOG_SECONDS = 10.0
"""Metrics are written about this often."""


@dataclass(frozen=True)
class Scores:
    """What the trainer needs of an evaluation's result."""

    score: float
    """Mean over tasks."""
    domain_scores: Mapping[str, float]
    """Mean over each domain's tasks."""


@dataclass(frozen=True)
class TrainResult:
    """Where a run ended."""

    steps: int
    score: float | None
    """Of the last evaluation."""
    interrupted: bool


class OnlineTrainer:
    """One run of online learning; resumable at every checkpoint.

    Args:
        config: The run's settings.
        agent: Learns.
        actor: Acts with the agent's newest weights, exploring.
        pool: Supplies experience; a :class:`SeeingPool` if the agent sees pictures.
        task_of_env: [E] index of each environment's task in the run's list.
        replay: Batches come from here, new episodes go to its online buffer.
        evaluate: Called with the step count; stores and returns scores, or None if asked to stop.
        describe: The checkpoint's constant content (tasks, encoder, settings).
        checkpoints: Where to save.
        metrics: Where to report.
        progress: Who watches.
        should_stop: Asked after every step and update.
        generator: CPU generator of batches.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        agent: NewtAgent,
        actor: Actor,
        pool: Pool,
        task_of_env: np.ndarray,
        replay: Mixture,
        evaluate: Callable[[int], Scores | None],
        describe: Mapping[str, Any],
        checkpoints: CheckpointFolder,
        metrics: MetricsLogger,
        progress: Progress,
        should_stop: Callable[[], bool],
        generator: torch.Generator,
    ) -> None:
        self.config = config
        self.agent = agent
        self.actor = actor
        self.pool = pool
        self.task_of_env = task_of_env
        self.replay = replay
        self.evaluate = evaluate
        self.describe = describe
        self.checkpoints = checkpoints
        self.metrics = metrics
        self.progress = progress
        self.should_stop = should_stop
        self.generator = generator
        self.steps = 0
        self.best_score: float | None = None
        self.last_score: float | None = None
        self._last_evaluation = -1
        self._last_checkpoint = 0
        self._learning_began: int | None = None
        """Agent steps at which there was something to learn from; None before."""
        self._debt = UpdateDebt(config.update.updates_per_step, catch_up=config.update.catch_up)
        self._recorder = EpisodeRecorder(
            task_of_env.tolist(),
            [spec.episode_length for spec in pool.specs],
            features=config.model.images > 0,
        )
        self._recent = RecentEpisodes([spec.id for spec in pool.specs])
        self._speed = Speed()
        self._update_metrics: dict[str, Tensor] = {}
        self._domain_scores: Mapping[str, float] = {}
        mask = np.stack([spec.action_mask for spec in pool.specs]).astype(np.float32)
        phase = config.random_phase
        if config.begins_pretrained:
            # The policy knows where reward is; to go on until it meets some would not help it.
            phase = phase.model_copy(update={"until_reward": 0})
        random = torch.Generator().manual_seed(stream_seed(config.seed, Stream.RANDOM_ACTIONS))
        self._random_phase = RandomPhase(phase, task_of_env, mask, random)

    def run(self) -> TrainResult:
        """Train until the configured number of steps or until asked to stop.

        Raises:
            TrainingDiverged: A loss is no longer finite; the checkpoints are from before.
            EnvironmentFailure: A task's simulator keeps dying.
        """
        obs = self.pool.reset(seed=self._pool_seed())
        features = self.pool.features() if isinstance(self.pool, SeeingPool) else None
        self._recorder.begin(obs, features)
        first = np.ones(self.pool.num_envs, np.bool_)
        if self._last_evaluation < 0:
            self._evaluate()
        else:
            self._evaluate_if_due()  # It may have been stopped in the middle of one.
        self._speed.restart(self.steps)
        while self.steps < self.config.steps and not self.should_stop():
            actions = self._act(obs, first, features)
            transitions = self.pool.step(actions)
            self._store(actions, transitions)
            obs, features = transitions.obs, transitions.features
            first = transitions.done | transitions.lost
            self.steps += self.pool.num_envs
            self._learn()
            self._report()
            self._evaluate_if_due()
            self._save_if_due()
        finished = self.steps >= self.config.steps
        if finished and self._last_evaluation != self.steps:
            self._evaluate()
            finished = self._last_evaluation == self.steps
        self._log()
        self.save()
        return TrainResult(self.steps, self.last_score, interrupted=not finished)

    # -- one step -----------------------------------------------------------------------------

    @property
    def seeding(self) -> bool:
        """Whether the run still collects its first episodes and nothing is learned."""
        return self._learning_began is None and not self._random_phase.over

    def _act(self, obs: FloatArray, first: BoolArray, features: HalfArray | None) -> FloatArray:
        weight = prior_weight(self.config, self.steps)
        settings = ActorSettings(explore=True, prior_weight=weight)
        if self.seeding:
            if not self.config.begins_pretrained:
                return self._random_phase.act()
            settings = ActorSettings(explore=True, policy_only=True)
        self.actor.settings = settings
        return self.actor(obs, self.task_of_env, np.arange(self.pool.num_envs), first, features)

    def _store(self, actions: FloatArray, transitions: Transitions) -> None:
        self._recent.add(transitions)
        self._random_phase.see(transitions)
        for episode in self._recorder.add(actions, transitions):
            self.replay.online.add(episode)

    def _learn(self) -> None:
        if self.seeding or self.replay.online.num_episodes == 0:
            return
        if self._learning_began is None:
            self._learning_began = self.steps
        update = self.config.update
        bc_coef = update.bc_coef if self.config.demo_use.cloning else 0.0
        learner = self.agent.learner
        for done in range(self._debt.owed(self.steps, learner.updates, began=self._learning_began)):
            batch = self.replay.sample(update.batch_size, update.horizon, self.generator)
            self._update_metrics = learner.update(batch, bc_coef=bc_coef)
            if done % 10 == 9:
                # A burst after the random phase is long: stay visible and stoppable.
                self._report()
                if self.should_stop():
                    return

    # -- reporting, evaluating, saving ----------------------------------------------------------

    def _report(self, message: str = "") -> None:
        status = RunStatus(
            steps=self.steps,
            total=self.config.steps,
            updates=self.agent.learner.updates,
            steps_per_s=self._speed.rate(self.steps),
            scores=self._domain_scores,
            message=message,
        )
        self.progress.update(status)
        if time.monotonic() - self._speed.last_log > LOG_SECONDS:
            self._log()

    def _log(self) -> None:
        self._speed.last_log = time.monotonic()
        learned = self._check_health()
        self.metrics.log(
            self.steps,
            {
                "updates": self.agent.learner.updates,
                "steps_per_s": self._speed.rate(self.steps),
                "replay/steps": self.replay.online.num_steps,
                "planner/prior_weight": prior_weight(self.config, self.steps),
                "pool/lost_episodes": self.pool.stats.lost_episodes,
                **self._recent.pop(),
                **learned,
            },
        )

    def _check_health(self) -> dict[str, float]:
        """Return the newest update's metrics, which have to be finite."""
        learned = {name: float(value) for name, value in self._update_metrics.items()}
        last = self.checkpoints.folder / LAST
        check_finite(learned, self.steps, last_good=last if last.exists() else None)
        return learned

    def _evaluate_if_due(self) -> None:
        every = self.config.evaluation.every
        if every and self.steps // every > self._last_evaluation // every:
            self._evaluate()

    def _evaluate(self) -> None:
        self._report(message=f"evaluating at step {self.steps:,}")
        started = time.monotonic()
        result = self.evaluate(self.steps)
        if result is None:
            return
        self._last_evaluation = self.steps
        self.last_score = result.score
        self._domain_scores = result.domain_scores
        self.metrics.log(
            self.steps,
            {
                "eval/score": result.score,
                **{f"eval/{name}": score for name, score in result.domain_scores.items()},
                "eval/seconds": time.monotonic() - started,
            },
        )
        self._speed.restart(self.steps)
        self._report(message=f"score {result.score:.3f} at step {self.steps:,}")
        if self.best_score is None or result.score > self.best_score:
            self.best_score = result.score
            if self.steps:
                self.save(best=True)

    def _save_if_due(self) -> None:
        every = self.config.checkpoint.every
        if self.steps // every > self._last_checkpoint // every:
            self.save()

    def save(self, *, best: bool = False) -> None:
        """Write a checkpoint of this moment.

        Raises:
            TrainingDiverged: The losses are not finite, so the weights may not be either.
        """
        self._check_health()
        self._last_checkpoint = self.steps
        self.checkpoints.save(self.steps, {**self.describe, **self.state_dict()}, best=best)

    def _pool_seed(self) -> int:
        """A resumed run continues with new episodes, not with those it already saw."""
        first = stream_seed(self.config.seed, Stream.TRAINING_EPISODES)
        sequence = np.random.SeedSequence([first, self.steps])
        return int(sequence.generate_state(1, np.uint32)[0])

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes during a run and is not on disk already."""
        return {
            "agent": self.agent.state_dict(),
            "actor": self.actor.state_dict(),
            "counters": {
                "steps": self.steps,
                "learning_began": self._learning_began,
                "best_score": self.best_score,
                "last_score": self.last_score,
                "last_evaluation": self._last_evaluation,
            },
            "random_phase": self._random_phase.state_dict(),
            "replay": self.replay.online.state_dict(),
            "generator": self.generator.get_state(),
            "random": capture_random_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint; the replay buffer is restored along with it.

        Raises:
            CheckpointError: The checkpoint does not fit the run's settings.
        """
        self.agent.load_state_dict(state["agent"])
        self.actor.load_state_dict(state["actor"])
        counters = state["counters"]
        self.steps = int(counters["steps"])
        self._learning_began = counters["learning_began"]
        self.best_score = counters["best_score"]
        self.last_score = counters["last_score"]
        self._last_evaluation = int(counters["last_evaluation"])
        self._last_checkpoint = self.steps
        self._random_phase.load_state_dict(state["random_phase"])
        self.replay.online.restore(state["replay"])
        self.generator.set_state(state["generator"].cpu())
        restore_random_state(state["random"])
