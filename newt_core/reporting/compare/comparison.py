"""Methods beside each other: aggregates by domain and in total, who beats whom, profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from newt_core.errors import ConfigError, did_you_mean, some_of
from newt_core.evaluation.statistics import AGGREGATES, Bootstrap, Estimate, Resampled, Scores
from newt_core.reporting.compare.curves import Axis, Curve, curve
from newt_core.reporting.compare.members import Member
from newt_core.reporting.compare.published import (
    TOTAL,
    PublishedRow,
    paper_rows,
    tdmpc2_scores,
)
from newt_core.reporting.compare.read import Method
from newt_core.specs import SpecLibrary

UNKNOWN_DOMAIN = "other"
"""Where tasks stand that are in no library here."""
THRESHOLDS = np.linspace(0.0, 1.0, 51)
"""Scores at which a performance profile is read."""
AXES: tuple[Axis, ...] = ("steps", "hours")


@dataclass(frozen=True)
class Improvement:
    """How probable it is that a run of ``ours`` beats one of ``theirs`` on a task."""

    ours: str
    theirs: str
    probability: Estimate


@dataclass(frozen=True)
class Compared:
    """One method's numbers."""

    method: Method
    scores: Scores
    """[runs, tasks]"""
    groups: Mapping[str, Mapping[str, Estimate]]
    """Domain or :data:`TOTAL` → aggregate → value."""
    tasks: Mapping[str, Estimate]
    """Task → mean over runs."""
    profile: Sequence[Estimate]
    """Share of scores above each of :data:`THRESHOLDS`."""
    curves: Mapping[Axis, Curve]
    differences: Mapping[str, Estimate]
    """Domain or :data:`TOTAL` → by how much its mean exceeds the baseline's; empty without one."""

    @property
    def modes(self) -> str:
        """How its runs acted, such as ``planning``."""
        modes = [str(one.evaluation.get("mode", "unknown")) for one in self.method.members]
        return ", ".join(dict.fromkeys(modes))

    @property
    def steps(self) -> list[int]:
        """Agent steps of its runs by the evaluations compared, as far as they are known."""
        return [one.steps for one in self.method.members if one.steps is not None]


@dataclass(frozen=True)
class Comparison:
    """All that ``newt compare`` found."""

    methods: Sequence[Compared]
    domains: Mapping[str, Sequence[str]]
    """Domain → its tasks that all methods share."""
    left_out: Mapping[str, Sequence[str]]
    """Task → the runs that were not evaluated on it."""
    bootstrap: Bootstrap
    improvements: Sequence[Improvement]
    paper: Sequence[PublishedRow]
    remarks: Sequence[str]
    """What a reader of the numbers should know."""
    tdmpc2: Mapping[str, Mapping[int, float]]
    """Task → agent steps → TD-MPC2's score."""
    baseline: str | None = None
    """The method that all others are held against; None where each is against each."""

    @property
    def groups(self) -> dict[str, Sequence[str]]:
        """Domain → tasks; all of them under :data:`TOTAL`, the last."""
        return {**self.domains, TOTAL: [task for each in self.domains.values() for task in each]}


def compare(
    methods: Sequence[Method],
    library: SpecLibrary,
    *,
    tasks: Sequence[str] | None = None,
    resampled: Resampled | None = None,
    repeats: int = 2000,
    seed: int = 0,
    baseline: str | None = None,
) -> Comparison:
    """Compare methods on the tasks that all of their runs were evaluated on.

    Args:
        methods: at least one.
        library: says which domain a task is of.
        tasks: only these of the tasks they share; all by default.
        resampled: what the intervals draw anew; by default the runs, or the tasks where every
            method has a single one.
        repeats: of the bootstrap.
        seed: of the bootstrap.
        baseline: the method that all others are held against, instead of each against each.

    Raises:
        ConfigError: they share none of the tasks, or none of them is the baseline.
    """
    names = [method.name for method in methods]
    if baseline is not None and baseline not in names:
        raise ConfigError(
            f"none of those compared is called '{baseline}'.{did_you_mean(baseline, names)} "
            f"They are {some_of(names, 4)}."
        )
    members = [member for method in methods for member in method.members]
    shared, left_out = _shared(members, tasks)
    domains: dict[str, list[str]] = {}
    for task in shared:
        domain = library[task].domain if task in library else UNKNOWN_DOMAIN
        domains.setdefault(domain, []).append(task)
    ordered = [task for domain in domains.values() for task in domain]
    several = any(len(method.members) > 1 for method in methods)
    chosen: Resampled = resampled or ("runs" if several else "tasks")
    bootstrap = Bootstrap(chosen, repeats, seed)
    groups = {**domains, TOTAL: ordered}
    against = None if baseline is None else methods[names.index(baseline)]
    done = [_compared(method, groups, bootstrap, against) for method in methods]
    rows, absent = paper_rows(groups, library)
    known = {task: tdmpc2_scores(task, library) for task in ordered}
    return Comparison(
        done,
        domains,
        left_out,
        bootstrap,
        [
            Improvement(
                one.method.name, other.method.name, bootstrap.improvement(one.scores, other.scores)
            )
            for one, other in _pairs(done, baseline)
        ],
        rows,
        [*_remarks(done, left_out, bootstrap), *([absent] if absent else [])],
        {task: scores for task, scores in known.items() if scores is not None},
        baseline,
    )


def _pairs(methods: Sequence[Compared], baseline: str | None) -> list[tuple[Compared, Compared]]:
    """Return who is held against whom."""
    if baseline is None:
        return list(combinations(methods, 2))
    of = next(one for one in methods if one.method.name == baseline)
    return [(one, of) for one in methods if one is not of]


def _shared(
    members: Sequence[Member], wanted: Sequence[str] | None
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the tasks that all have, and who lacks each of the others."""
    there = list(dict.fromkeys(task for member in members for task in member.tasks))
    if wanted is not None:
        there = [task for task in there if task in set(wanted)]
        if not there:
            raise ConfigError("none of those compared was evaluated on a task of --tasks.")
    lacking = {task: [m.name for m in members if task not in m.tasks] for task in there}
    shared = [task for task in there if not lacking[task]]
    if not shared:
        few = "; ".join(
            f"{member.name} has {some_of(list(member.tasks), 4)}" for member in members[:4]
        )
        more = f"; and {len(members) - 4} more" if len(members) > 4 else ""
        raise ConfigError(
            f"there is no task that all of these were evaluated on: {few}{more}. "
            "Compare runs of the same tasks."
        )
    return shared, {task: names for task, names in lacking.items() if names}


def _scores(method: Method, tasks: Sequence[str]) -> Scores:
    """Return [runs, tasks]."""
    return np.array(
        [[float(m.evaluation["tasks"][task]["score"]) for task in tasks] for m in method.members]
    )


def _compared(
    method: Method,
    groups: Mapping[str, Sequence[str]],
    bootstrap: Bootstrap,
    baseline: Method | None,
) -> Compared:
    scores = _scores(method, tasks := groups[TOTAL])
    place = {task: index for index, task in enumerate(tasks)}
    curves = {axis: curve(method, tasks, axis, bootstrap.seed) for axis in AXES}
    return Compared(
        method,
        scores,
        {
            group: {
                name: bootstrap.estimate(statistic, scores[:, [place[task] for task in members]])
                for name, statistic in AGGREGATES.items()
            }
            for group, members in groups.items()
        },
        {task: bootstrap.estimate(AGGREGATES["mean"], scores[:, [place[task]]]) for task in tasks},
        bootstrap.profile(scores, THRESHOLDS),
        {axis: line for axis, line in curves.items() if line is not None},
        {
            group: bootstrap.difference(_scores(method, members), _scores(baseline, members))
            for group, members in groups.items()
            if baseline is not None and baseline is not method
        },
    )


def _remarks(
    methods: Sequence[Compared], left_out: Mapping[str, Sequence[str]], bootstrap: Bootstrap
) -> list[str]:
    drawn = {
        "runs": "runs are drawn anew within each task; the tasks are the ones meant",
        "tasks": "tasks are drawn anew, as if they were a sample of others; the runs stay",
        "both": "runs are drawn anew within each task, and tasks, too",
    }[bootstrap.resampled]
    said = [f"intervals: 95 %, stratified bootstrap, {bootstrap.repeats:,} repetitions: {drawn}"]
    if all(one.groups[TOTAL]["mean"].low is None for one in methods):
        said = ["no intervals: they need several runs of a method, or several tasks"]
    single = [one.method.name for one in methods if len(one.method.members) == 1]
    if single:
        said.append(
            f"one run only of {some_of(single, 4)}: nothing is known of how other seeds would do"
        )
    if left_out:
        who = list(dict.fromkeys(name for names in left_out.values() for name in names))
        said.append(f"left out {some_of(list(left_out), 4)}: not evaluated in {some_of(who, 4)}")
    steps = {step for one in methods for step in one.steps}
    if len(steps) > 1:
        said.append(
            f"they were evaluated after different numbers of steps, {min(steps):,} to "
            f"{max(steps):,}: --at takes the evaluations up to a step"
        )
    if len({one.modes for one in methods}) > 1:
        modes = ", ".join(f"{one.method.name}: {one.modes}" for one in methods)
        said.append(f"they acted in different ways ({modes})")
    return said
