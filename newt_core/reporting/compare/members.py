"""Those that are compared: runs, lists of one run per task, and saved evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newt_core.errors import ConfigError, RunFolderError
from newt_core.reporting.history import Evaluation, History, read_history
from newt_core.training.metrics import read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.training.run_list import RunList


@dataclass(frozen=True)
class Moment:
    """One evaluation of a run."""

    steps: int
    hours: float | None
    """Of training until then, the pretraining and the evaluations included; None if unknown."""
    evaluation: Evaluation


@dataclass(frozen=True)
class Member:
    """A run, or a saved evaluation."""

    name: str
    evaluation: Evaluation
    """The one that is compared."""
    steps: int | None
    """Agent steps of the run by then; None for what is no run's."""
    moments: Sequence[Moment] = ()
    """All evaluations of its interaction, by their steps."""

    @property
    def tasks(self) -> list[str]:
        """The tasks that it was evaluated on."""
        return list(self.evaluation["tasks"])


def read_run(folder: RunFolder, at: int | None = None) -> Member:
    """Read a run.

    Args:
        folder: where it is.
        at: take its last evaluation up to so many steps; its newest by default.

    Raises:
        NewtError: it has no evaluation, or none by then.
    """
    return _member(folder, read_history(folder), at)


def _member(folder: RunFolder, history: History, at: int | None) -> Member:
    hours = _Clock.of(folder)
    moments = [
        Moment(steps, hours.at(steps), evaluation)
        for steps, evaluation in history.interaction.items()
    ]
    chosen = [moment for moment in moments if at is None or moment.steps <= at]
    if chosen:
        return Member(folder.name, chosen[-1].evaluation, chosen[-1].steps, moments)
    if at is not None and moments:
        raise ConfigError(
            f"the run {folder.path} was not evaluated up to step {at:,}: its first evaluation "
            f"is at {moments[0].steps:,}."
        )
    if history.newest is None:
        raise RunFolderError(
            f"the run {folder.path} has no evaluation yet. Run 'newt eval {folder.path} --json > "
            f"{folder.name}.json', and compare {folder.name}.json."
        )
    return Member(folder.name, history.newest, 0)


def read_single_tasks(runs: RunList, at: int | None = None) -> Member:
    """Read one agent for each of several tasks, as ``newt train --each`` makes them, as one run.

    Its steps are those of all its runs together, as those of an agent of all the tasks are: so
    both have had as many in each task. Tasks whose run was not evaluated yet are not among its.

    Args:
        runs: where they are.
        at: take each run's last evaluation up to its part of so many steps; its newest by default.

    Raises:
        NewtError: none of them has an evaluation, or one of them none by then.
    """
    histories = {folder: read_history(folder) for folder in map(runs.run, runs.members)}
    begun = [folder for folder, history in histories.items() if history.newest is not None]
    if not begun:
        raise RunFolderError(
            f"no run in {runs.path} has an evaluation yet: newt train --run {runs.path} --resume "
            "goes on with them."
        )
    count = len(histories)
    part = None if at is None else at // count
    members = [_member(folder, histories[folder], part) for folder in begun]
    moments = [
        Moment(
            steps * count,
            None if any(one.hours is None for one in each) else sum(one.hours or 0 for one in each),
            _joined([one.evaluation for one in each]),
        )
        for steps, each in _together(members).items()
    ]
    evaluation = _joined([member.evaluation for member in members])
    return Member(runs.path.name, evaluation, sum(one.steps or 0 for one in members), moments)


def _together(members: Sequence[Member]) -> dict[int, list[Moment]]:
    """Return steps → a moment of each, where all were evaluated."""
    by_steps = [{moment.steps: moment for moment in member.moments} for member in members]
    shared = sorted(set.intersection(*(set(each) for each in by_steps)))
    return {steps: [each[steps] for each in by_steps] for steps in shared}


def _joined(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return evaluations of different tasks as one."""
    modes = dict.fromkeys(str(one.get("mode", "unknown")) for one in evaluations)
    tasks = {task: result for one in evaluations for task, result in one["tasks"].items()}
    return {"tasks": tasks, "mode": ", ".join(modes)}


@dataclass(frozen=True)
class _Clock:
    """When a run was how far: its own hours, after those of its pretraining."""

    steps: Sequence[float]
    seconds: Sequence[float]
    before: float

    @classmethod
    def of(cls, folder: RunFolder) -> _Clock:
        own, part = _times(folder), _times(folder.pretraining)
        return cls(list(own), list(own.values()), max(part.values(), default=0.0))

    def at(self, steps: int) -> float | None:
        """Return the hours at a step; None before the first that is known, and after the last."""
        if not self.steps or not self.steps[0] <= steps <= self.steps[-1]:
            return None
        seconds = float(np.interp(steps, self.steps, self.seconds))
        return (self.before + seconds) / 3600.0


def _times(folder: RunFolder) -> Mapping[float, float]:
    """Return step → seconds, of the rows that say both."""
    if not folder.metrics_file.exists():
        return {}
    rows = read_metrics(folder.metrics_file)
    return {
        float(row["step"] or 0): float(row["wall_time"] or 0.0)
        for row in rows
        if row.get("wall_time") is not None
    }
