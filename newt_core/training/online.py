"""Learning by interaction: act, store, update, evaluate, save.

One agent step in every environment, then the gradient steps owed, of which some may be taken beside
the next round: see :mod:`newt_core.training.overlap`. It owns no policy of its own; everything that
decides is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, SupportsFloat

from newt_core.agents.base import OnlineAgent, Stateful
from newt_core.agents.ranks import ALONE, Ranks, agreed
from newt_core.errors import EnvironmentFailure, UselessActionError
from newt_core.training import run_state
from newt_core.training.cadence import LOG_SECONDS, AtShares, Every, EverySeconds
from newt_core.training.checkpoint_folder import CheckpointFolder
from newt_core.training.collector import Collector
from newt_core.training.config import RunConfig
from newt_core.training.health import Health
from newt_core.training.loop import Loop
from newt_core.training.metrics import MetricsLogger, NoMetrics
from newt_core.training.online_status import OnlineStatus
from newt_core.training.outcome import Scores, TrainResult
from newt_core.training.overlap import LOCK_STEP, Overlap
from newt_core.training.progress import Progress
from newt_core.training.random_state import seed_random_state
from newt_core.training.rank_metrics import joint_row
from newt_core.training.rank_states import own_state, save_ranks, saved_ranks
from newt_core.types import CountProgress


class OnlineTrainer:
    """One run of online learning; resumable at every checkpoint, on a CPU to the very same bits.

    Args:
        config: The run's settings.
        agent: Acts and learns.
        collector: Supplies experience.
        evaluate: Called with the step count, and with what to tell how far it is; stores and
            returns scores, or None if asked to stop.
        checkpoints: Where to save.
        metrics: Where to report.
        progress: Who watches.
        should_stop: Asked after every step and update.
        ranks: Those that train the same agent, each in environments of its own.
        overlap: What a round does at the same time.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        agent: OnlineAgent,
        collector: Collector,
        evaluate: Callable[[int, CountProgress], Scores | None],
        checkpoints: CheckpointFolder,
        metrics: MetricsLogger | NoMetrics,
        progress: Progress,
        should_stop: Callable[[], bool],
        ranks: Ranks = ALONE,
        overlap: Overlap = LOCK_STEP,
    ) -> None:
        self.config = config
        self.agent = agent
        self.collector = collector
        self.evaluate = evaluate
        self.checkpoints = checkpoints
        self.metrics = metrics
        self.progress = progress
        self.ranks = ranks
        self._should_stop = should_stop
        self.counters = run_state.OnlineCounters()
        self._loop = Loop(agent, collector, overlap)
        self._status = OnlineStatus(config, collector, self.counters, self._loop.clock, progress)
        self._log_due = EverySeconds(LOG_SECONDS)
        self._evaluate_due = (
            Every(config.evaluation.every),
            AtShares(config.evaluation.at, config.steps),
        )
        self._save_due = Every(config.checkpoint.every)
        self._health = Health(agent, checkpoints.folder)
        self._last_checkpoint = 0
        self._ranks_before = ranks.size
        self.parts: dict[str, Stateful] = {
            **agent.parts,
            "health": self._health,
            "counters": self.counters,
            "collector": collector,
            "random": run_state.GlobalGenerators(),
        }
        """Everything that changes during a run and is not on disk already."""

    @property
    def steps(self) -> int:
        """Agent steps so far, summed over all environments."""
        return self.counters.steps

    def run(self) -> TrainResult:
        """Train until the configured number of steps or until asked to stop.

        Raises:
            TrainingDiverged: Losses or actions are no longer finite; the checkpoints are from
                before.
            EnvironmentFailure: A task's simulator keeps dying. What was learned is saved.
        """
        if not self.counters.steps:
            seed_random_state(self.config.seed, self.ranks.rank)
        self.agent.begin()
        try:
            return self._run()
        except UselessActionError as error:
            raise self._health.diverged(str(error), self.steps) from error
        except EnvironmentFailure as error:
            if not self.steps:
                raise
            if self.steps != self._last_checkpoint:
                self.save(scheduled=False)
            raise EnvironmentFailure(
                f"{error} The run is saved at step {self._last_checkpoint:,}: put that right, and "
                "go on with --resume."
            ) from error
        finally:
            self._loop.close()

    def _run(self) -> TrainResult:
        self._status.begin(self.agent.updates, self.steps)
        if steps := self.collector.open_steps:
            self._report(message=f"repeating {steps:,} steps of the episodes that were open")
        agreed(self.ranks, self.collector.begin, failing=EnvironmentFailure)
        if self._ranks_before != self.ranks.size:
            self.save(scheduled=False)  # From here on, what this many ranks have counts.
        evaluates = self.config.evaluation.every or self.config.evaluation.at
        if self.counters.last_evaluation < 0 and evaluates:
            self._evaluate()
        self._status.speed.go_on(self.steps)
        self._settle()  # A run that goes on may have been stopped in the middle of this.
        while self.steps < self.config.steps and not self._asked_to_stop():
            self._act()
            self._settle()
        finished = self.steps >= self.config.steps
        if finished and self.counters.last_evaluation != self.steps:
            self._evaluate()
            finished = self.counters.last_evaluation == self.steps
        self.save(scheduled=finished)
        counters = self.counters
        evaluated_at = counters.last_evaluation if counters.last_evaluation >= 0 else None
        return TrainResult(self.steps, counters.last_score, evaluated_at, not finished)

    # -- one step -----------------------------------------------------------------------------

    def _act(self) -> None:
        steps = agreed(self.ranks, lambda: self._loop.act(self.steps), failing=EnvironmentFailure)
        self._status.acted += steps
        self._health.newest = self._loop.beside.newest or self._health.newest
        self.counters.steps += self.ranks.total(steps)

    def _asked_to_stop(self) -> bool:
        return self.ranks.any(self._should_stop())

    def _settle(self) -> None:
        """Do all that is owed at this step: updates, reports, an evaluation, a checkpoint."""
        evaluates = self._evaluation_due()
        if not self._learn(leaving=not evaluates and self.steps < self.config.steps):
            return
        self._report()
        if evaluates:
            self._evaluate()
        self._save_if_due()

    def _learn(self, *, leaving: bool) -> bool:
        """Take the updates that are due; return whether all are taken.

        Args:
            leaving: Whether some are left to be taken beside the next round.
        """
        updates = self._loop.learn(self.steps, leaving=leaving)
        for count, metrics in enumerate(updates, start=1):
            self._health.newest = metrics
            if count % 10 == 0:
                # A burst after the random phase is long: stay visible and stoppable.
                self._report()
                if self._asked_to_stop():
                    return False
        self._status.settled(self.agent.updates, self.steps)
        return True

    # -- reporting, evaluating, saving ----------------------------------------------------------

    def _report(self, message: str = "") -> None:
        self._show(message)
        if self.ranks.any(self._log_due.due()):
            self._log()
            self.collector.recent.clear()
            self._health.check(self.steps)

    def _show(self, message: str = "") -> None:
        self._status.show(self.agent.updates, message)

    def _log(self) -> None:
        self._log_due.done()
        own: dict[str, SupportsFloat] = {
            "updates": self.agent.updates,
            "updates/skipped": self.agent.skipped.total,
            "steps_per_s": self._status.speed.rate(self.steps),
            **self.agent.report(self.steps),
            **{f"time/{stage}": share for stage, share in self._loop.clock.shares().items()},
            "overlap/stale_updates": self._loop.beside.count,
            "pool/deaths": self.collector.deaths,
            "pool/lost_episodes": self.collector.lost_episodes,
            **self._health.newest,
        }
        self._loop.clock.mark()
        pool, recent = self.collector.pool, self.collector.recent
        self._write(joint_row(own, recent.ended, pool.num_envs, self.ranks))

    def _evaluation_due(self) -> bool:
        last = self.counters.last_evaluation
        return any(cadence.due(self.steps, last) for cadence in self._evaluate_due)

    def _evaluate(self) -> None:
        self._health.check(self.steps)
        self._report(message=f"evaluating at step {self.steps:,}")
        self._status.speed.pause(self.steps)
        self._status.left.begin_evaluation()
        result = self.evaluate(self.steps, self._evaluated)
        seconds = self._status.left.end_evaluation(whole=result is not None)
        self._status.speed.go_on(self.steps)
        if result is None:
            return
        counters = self.counters
        counters.last_evaluation = self.steps
        counters.last_score = result.score
        counters.domain_scores = dict(result.domain_scores)
        self._write(
            {
                "eval/score": result.score,
                **{f"eval/{name}": score for name, score in result.domain_scores.items()},
                "eval/seconds": seconds,
            },
        )
        self._report(message=f"score {result.score:.3f} at step {self.steps:,}")
        if counters.best_score is None or result.score > counters.best_score:
            counters.best_score = result.score
            if self.steps:
                self.save(best=True)

    def _evaluated(self, done: int, total: int) -> None:
        self._status.left.evaluated(done, total)
        self._show()

    def _save_if_due(self) -> None:
        if self._save_due.due(self.steps, self._last_checkpoint):
            self._health.check(self.steps)
            if self._health.sound:  # else the next update may be
                self.save()

    def save(self, *, best: bool = False, scheduled: bool = True) -> None:
        """Write a checkpoint of this moment, and its metrics before.

        Args:
            best: Whether the agent has scored better than ever.
            scheduled: False for a checkpoint that an uninterrupted run would not have written:
                the episodes since the last report then remain to be reported.

        Raises:
            TrainingDiverged: The newest updates were not finite, so the weights may be useless.
        """
        self._health.require_sound(self.steps)
        self._log()
        if scheduled:
            self.collector.recent.clear()
        self._last_checkpoint = self.steps
        state = self.state_dict()
        if self.ranks.writes:
            self.checkpoints.save(self.steps, state, best=best)
        self.ranks.gather(None)  # Nobody goes on before it is written.

    def _write(self, row: Mapping[str, SupportsFloat]) -> None:
        if self.ranks.writes:
            self.metrics.log(self.steps, row)

    def state_dict(self) -> dict[str, Any]:
        """The state of every part, under its name; all ranks have to ask for it."""
        return save_ranks(self.parts, self.ranks)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint; the replay buffer is restored along with it.

        One of another number of ranks needs a replay that holds its episodes already.

        Raises:
            CheckpointError: The checkpoint does not fit the run's settings.
        """
        self._ranks_before = len(saved_ranks(state))
        run_state.load_parts(self.parts, own_state(state, self.parts, self.ranks))
        self._last_checkpoint = self.steps
