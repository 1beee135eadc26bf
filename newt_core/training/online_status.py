"""What a run of interaction says of itself while it goes: where it is, how fast, how long yet."""

from __future__ import annotations

from newt_core.training.cadence import Evaluations
from newt_core.training.collector import Collector
from newt_core.training.config import RunConfig
from newt_core.training.progress import Progress, RunStatus
from newt_core.training.recent import Speed
from newt_core.training.run_state import OnlineCounters
from newt_core.training.stage_clock import StageClock
from newt_core.training.time_left import TimeLeft


class OnlineStatus:
    """Tells a watcher about a run.

    Args:
        config: The run's settings.
        collector: Its environments.
        counters: Where it is.
        clock: What its stages take.
        progress: Who watches.
    """

    def __init__(
        self,
        config: RunConfig,
        collector: Collector,
        counters: OnlineCounters,
        clock: StageClock,
        progress: Progress,
    ) -> None:
        self.speed = Speed()
        evaluation = config.evaluation
        self.left = TimeLeft(Evaluations(config.steps, evaluation.every, evaluation.at))
        self.acted = 0
        """Agent steps of this rank since the run began or went on."""
        self._learned, self._rounds = 0, 0
        self._config = config
        self._collector = collector
        self._counters = counters
        self._clock = clock
        self._progress = progress

    def begin(self, updates: int, steps: int) -> None:
        """Note that a run begins or goes on: what was done before is no speed of its."""
        self._learned = updates
        self.speed.begin(steps)

    def settled(self, updates: int, steps: int) -> None:
        """Note that all updates that were due are taken.

        The first time, these may be as many as all steps before have owed, which were quicker than
        those to come, being random: only from here on is the speed that of the rest.
        """
        if updates == self._learned:
            return
        self._learned = updates
        self._rounds += 1
        if self._rounds == 1:
            self.speed.begin(steps)

    def show(self, updates: int, message: str = "") -> None:
        """Say where the run is.

        Args:
            updates: Gradient steps so far.
            message: Something that just happened.
        """
        counters = self._counters
        rate = self.speed.rate(counters.steps)
        self._progress.update(
            RunStatus(
                steps=counters.steps,
                total=self._config.steps,
                updates=updates,
                steps_per_s=rate,
                scores=counters.domain_scores,
                message=message,
                deaths=self._collector.deaths,
                lost_episodes=self._collector.lost_episodes,
                seconds_left=self._seconds_left(rate),
                evaluating=self.left.evaluating,
                stages=self._clock.reported or self._clock.shares(),
            )
        )

    def _seconds_left(self, rate: float) -> float | None:
        """Return the seconds until the run ends; None before it does what it will go on doing."""
        steps = self._counters.steps
        if self._rounds < 2 and steps < self._config.steps:
            return None
        return self.left.seconds(steps, rate, self._evaluation_seconds())

    def _evaluation_seconds(self) -> float | None:
        """Return what an evaluation will take by how fast the agent has acted so far."""
        if not self.acted:
            return None
        lengths = {spec.id: spec.episode_length for spec in self._collector.pool.specs}
        steps = self._config.evaluation.episodes * sum(lengths.values())
        seconds = self._clock.seconds
        acting = seconds["planning"] + seconds["waiting_for_simulation"]
        return steps * acting / self.acted
