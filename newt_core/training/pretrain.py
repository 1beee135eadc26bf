"""Learning from demonstrations alone, before any interaction (Newt, section 3).

What a gradient step is, the agent knows: Newt trains all its parts jointly
(:mod:`newt_core.agents.newt.pretraining`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, SupportsFloat

from newt_core.agents.base import OfflineAgent, Stateful
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.errors import EnvironmentFailure
from newt_core.replay import Part, divide
from newt_core.training.cadence import LOG_SECONDS, Evaluations, Every, EverySeconds
from newt_core.training.checkpoint_folder import CheckpointFolder
from newt_core.training.config import RunConfig
from newt_core.training.health import Health
from newt_core.training.metrics import MetricsLogger, NoMetrics
from newt_core.training.progress import Progress, RunStatus
from newt_core.training.random_state import seed_random_state
from newt_core.training.rank_metrics import joint_row
from newt_core.training.rank_states import own_state, save_ranks
from newt_core.training.recent import Speed
from newt_core.training.run_state import (
    GlobalGenerators,
    PretrainCounters,
    load_parts,
)
from newt_core.training.time_left import TimeLeft
from newt_core.types import CountProgress

LOG_UPDATES = 100
"""Metrics are written at least this often, so that even a short run has a curve."""

Modes = Mapping[str, float]
"""A way of acting (``policy``, ``planning``, ``constrained planning``) → its mean score."""


@dataclass(frozen=True)
class PretrainResult:
    """Where a pretraining ended."""

    updates: int
    scores: Modes
    """Of the last evaluation; empty before the first."""
    scored_after: int | None
    """Gradient steps before that; fewer than ``updates`` where it was interrupted."""
    interrupted: bool


class Pretrainer:
    """One run of pretraining; resumable at every checkpoint, to the very same result.

    Args:
        config: The run's settings.
        agent: Learns, from demonstrations of its own.
        evaluate: Called with the number of updates, whether they are the last, and what to tell
            how far it is; stores and returns scores, or None if asked to stop.
        checkpoints: Where to save.
        metrics: Where to report, under the number of updates.
        progress: Who watches.
        should_stop: Asked after every update.
        ranks: Those that train the same agent, each on batches of its own.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        agent: OfflineAgent,
        evaluate: Callable[[int, bool, CountProgress], Modes | None],
        checkpoints: CheckpointFolder,
        metrics: MetricsLogger | NoMetrics,
        progress: Progress,
        should_stop: Callable[[], bool],
        ranks: Ranks = ALONE,
    ) -> None:
        self.config = config
        self.agent = agent
        self.evaluate = evaluate
        self.checkpoints = checkpoints
        self.metrics = metrics
        self.progress = progress
        self.should_stop = should_stop
        self.ranks = ranks
        self.counters = PretrainCounters()
        self._last_logged = 0
        self._speed = Speed()
        part = config.pretrain
        self._left = TimeLeft(Evaluations(part.updates, part.evaluate_every))
        self._log_due = EverySeconds(LOG_SECONDS)
        self._evaluate_due = Every(config.pretrain.evaluate_every)
        self._save_due = Every(config.pretrain.checkpoint_every)
        self._health = Health(agent, checkpoints.folder)
        self._rows = Part(divide(config.update.batch_size, [1] * ranks.size), ranks.rank).own
        self.parts: dict[str, Stateful] = {
            **agent.parts,
            "health": self._health,
            "counters": self.counters,
            "random": GlobalGenerators(),
        }
        """Everything that changes during a run."""

    @property
    def updates(self) -> int:
        """Gradient steps taken so far."""
        return self.agent.updates

    def run(self) -> PretrainResult:
        """Learn until the configured number of updates or until asked to stop.

        Raises:
            TrainingDiverged: A loss is no longer finite; the checkpoints are from before.
            EnvironmentFailure: A task's simulator keeps dying in an evaluation. What was learned
                is saved.
        """
        settings = self.config.pretrain
        if not self.updates:
            seed_random_state(self.config.seed, self.ranks.rank)
        self._speed.go_on(self.updates)
        while self.updates < settings.updates and not self.ranks.any(self.should_stop()):
            self._health.newest = self.agent.update()
            self._report()
            self._log_if_due()
            if self.updates < settings.updates:
                if self._evaluate_due.due(self.updates, self.updates - 1):
                    self._evaluate(last=False)
                if self._save_due.due(self.updates, self.updates - 1):
                    self.save()
        finished = self.updates >= settings.updates
        self.save()
        if finished and self.counters.evaluated_at != self.updates:
            self._evaluate(last=True)
            finished = self.counters.evaluated_at == self.updates
            if finished:
                self.save(best=True)
        evaluated_at = self.counters.evaluated_at if self.counters.scores else None
        return PretrainResult(self.updates, self.counters.scores, evaluated_at, not finished)

    def _report(self, message: str = "") -> None:
        rate = self._speed.rate(self.updates)
        self.progress.update(
            RunStatus(
                steps=self.updates,
                total=self.config.pretrain.updates,
                updates=self.updates,
                steps_per_s=rate,
                scores=self.counters.scores,
                counts="updates",
                message=message,
                seconds_left=self._left.seconds(self.updates, rate, None),
                evaluating=self._left.evaluating,
            )
        )

    def _log_if_due(self) -> None:
        due = self.ranks.any(self._log_due.due())
        if due or self.updates - self._last_logged >= LOG_UPDATES:
            self._log()

    def _log(self) -> None:
        if self._last_logged == self.updates:
            return
        self._log_due.done()
        self._last_logged = self.updates
        own: dict[str, SupportsFloat] = {
            "updates_per_s": self._speed.rate(self.updates),
            "updates/skipped": self.agent.skipped.total,
            **self.agent.report(),
            **self._health.newest,
        }
        self._write(joint_row(own, {}, self._rows, self.ranks))
        self._health.check(self.updates)

    def _evaluate(self, *, last: bool) -> None:
        self._report(message=f"evaluating after {self.updates:,} updates")
        self._speed.pause(self.updates)
        self._left.begin_evaluation()
        try:
            scores = self.evaluate(self.updates, last, self._evaluated)
        except EnvironmentFailure as error:
            self.save()
            raise EnvironmentFailure(
                f"{error} The run is saved after {self.updates:,} updates: put that right, and go "
                "on with --resume."
            ) from error
        seconds = self._left.end_evaluation(whole=scores is not None)
        self._speed.go_on(self.updates)
        if scores is None:
            return
        self.counters.scores = dict(scores)
        self.counters.evaluated_at = self.updates
        self._write(
            {
                **{f"eval/{mode.replace(' ', '_')}": score for mode, score in scores.items()},
                "eval/seconds": seconds,
            },
        )
        shown = ", ".join(f"{mode} {score:.3f}" for mode, score in scores.items())
        self._report(message=f"score after {self.updates:,} updates: {shown}")

    def _evaluated(self, done: int, total: int) -> None:
        self._left.evaluated(done, total)
        self._report()

    def save(self, *, best: bool = False) -> None:
        """Write a checkpoint of this moment, and its metrics before.

        Raises:
            TrainingDiverged: The newest updates were not finite, so the weights may be useless.
        """
        self._log()
        self._health.require_sound(self.updates)
        state = self.state_dict()
        if self.ranks.writes:
            self.checkpoints.save(self.updates, state, best=best)
        self.ranks.gather(None)  # Nobody goes on before it is written.

    def _write(self, row: Mapping[str, SupportsFloat]) -> None:
        if self.ranks.writes:
            self.metrics.log(self.updates, row)

    def state_dict(self) -> dict[str, Any]:
        """The state of every part, under its name."""
        self.counters.updates = self.updates
        return save_ranks(self.parts, self.ranks)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: The checkpoint does not fit the run's settings.
        """
        load_parts(self.parts, own_state(state, self.parts, self.ranks))
        self._last_logged = self.updates
