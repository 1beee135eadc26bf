"""How the commands that learn say what a run will take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from newt_cli import console
from newt_cli.counts import counted

if TYPE_CHECKING:
    from newt_core.specs import TaskSpec
    from newt_core.training.config import RunConfig
    from newt_core.training.run_list import RunList
    from newt_core.workflows.forecast import Forecast


class ForecastFirst:
    """Makes the forecast of a run that begins, and says it.

    Args:
        pretraining: Whether the run only learns from demonstrations.
    """

    def __init__(self, *, pretraining: bool = False) -> None:
        self.made: Forecast | None = None
        """None of a run that goes on."""
        self._pretraining = pretraining

    def __call__(self, config: RunConfig, specs: Sequence[TaskSpec], ranks: int) -> None:
        """Time a few steps of the run, by one of its ranks, and print a line."""
        from newt_core.workflows.forecast import forecast

        with console.quiet_stdout():
            self.made = forecast(config, specs, pretraining=self._pretraining, ranks=ranks)
        said = sentence(self.made)
        if ranks == 1:
            console.notice(f"forecast: {said}")
        else:
            exchange = "; what they exchange is not counted" if self.made.seconds else ""
            console.notice(f"forecast for {ranks} ranks: {said}{exchange}")

    def document(self) -> dict[str, Any]:
        """Return the part of the command's JSON document."""
        if self.made is None:
            return {}
        made = self.made
        parts = {"steps": made.steps, "updates": made.updates, "seconds": made.seconds}
        return {"forecast": parts}


def say_forecast_of_runs(config: RunConfig, spec: TaskSpec, runs: int) -> float | None:
    """Time a few steps of one run of several alike, print a line, and return its seconds."""
    from newt_core.workflows.forecast import forecast

    with console.quiet_stdout():
        made = forecast(config, [spec])
    each = " each" if runs > 1 else ""
    total = f", {duration(runs * made.seconds)} in all" if made.seconds and runs > 1 else ""
    console.notice(f"forecast: {runs:,} run{'s' * (runs > 1)} of {sentence(made)}{each}{total}")
    return made.seconds


class ForecastOfMany:
    """Makes the forecasts of the runs in a list that begins, and says how long they are in all."""

    def __init__(self) -> None:
        self._begun = False

    def __call__(self, config: RunConfig, specs: Sequence[TaskSpec]) -> float | None:
        """Time a few steps of a run, and return the seconds that it will take."""
        from newt_core.workflows.forecast import forecast

        if not self._begun:
            self._begun = True
            console.notice("timing a few steps of each kind of run")
        with console.quiet_stdout():
            return forecast(config, specs).seconds

    def tell(self, runs: RunList, jobs: int) -> None:
        """Say what all runs of a list will take."""
        each = [runs.seconds.get(member.group) for member in runs.members]
        known = [seconds for seconds in each if seconds is not None]
        length = counted(len(each), "run")
        if len(known) == len(each):
            at_a_time = f", {jobs} at a time" if jobs > 1 else ""
            total = sum(known)
            length += f", about {duration(total)} of work on this machine{at_a_time}"
        console.notice(f"forecast: {length}")


def sentence(forecast: Forecast) -> str:
    """Return how long a run is, and how long it takes here."""
    length = (
        counted(forecast.steps, "step") if forecast.steps else counted(forecast.updates, "update")
    )
    if forecast.seconds is None or forecast.evaluation_seconds is None:
        return length
    share = ""
    if forecast.evaluation_seconds >= 0.2 * forecast.seconds:
        share = f", {duration(forecast.evaluation_seconds)} of it in evaluations"
    return f"{length}, about {duration(forecast.seconds)} on this machine{share}"


def duration(seconds: float) -> str:
    """Return a time in a unit that fits, such as 50 min."""
    if seconds < 90:
        return f"{seconds:,.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:,.0f} min"
    hours = seconds / 3600
    return f"{hours:,.1f} h" if hours < 48 else f"{hours / 24:,.0f} days"
