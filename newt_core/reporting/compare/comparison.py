"""Methods beside each other: aggregates by domain and in total, who beats whom, profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from newt_core.errors import ConfigError
from newt_core.evaluation.statistics import AGGREGATES, Bootstrap, Estimate, Resampled, Scores
from newt_core.reporting.compare.curves import Axis, Curve, curve
from newt_core.reporting.compare.published import (
    TOTAL,
    PublishedRow,
    paper_rows,
    tdmpc2_scores,
)
from newt_core.reporting.compare.read import Member, Method
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

    @property
    def groups(self) -> dict[str, Sequence[str]]:
        """Domain → tasks; all of them under :data:`TOTAL`, the last."""
        return {**self.domains, TOTAL: [task for each in self.domains.values() for task in each]}

    def to_json(self) -> dict[str, Any]:
        """Return the document that ``newt compare --json`` prints."""
        return {
            "methods": {one.method.name: _method_json(one) for one in self.methods},
            "tasks": self.groups[TOTAL],
            "left_out": dict(self.left_out),
            "improvement": [
                {"ours": one.ours, "theirs": one.theirs, **_json(one.probability)}
                for one in self.improvements
            ],
            "profile_thresholds": THRESHOLDS,
            "published": [asdict(row) for row in self.paper],
            "tdmpc2": self.tdmpc2,
            "intervals": {
                "kind": "stratified bootstrap, 95 %, percentiles",
                "resampled": self.bootstrap.resampled,
                "repeats": self.bootstrap.repeats,
                "seed": self.bootstrap.seed,
            },
            "remarks": list(self.remarks),
        }


def compare(
    methods: Sequence[Method],
    library: SpecLibrary,
    *,
    tasks: Sequence[str] | None = None,
    resampled: Resampled | None = None,
    repeats: int = 2000,
    seed: int = 0,
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

    Raises:
        ConfigError: they share none of the tasks.
    """
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
    done = [_compared(method, groups, bootstrap) for method in methods]
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
            for one, other in combinations(done, 2)
        ],
        rows,
        [*_remarks(done, left_out, bootstrap), *([absent] if absent else [])],
        {task: scores for task, scores in known.items() if scores is not None},
    )


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
        few = "; ".join(f"{member.name} has {_few(member.tasks)}" for member in members[:4])
        more = f"; and {len(members) - 4} others" if len(members) > 4 else ""
        raise ConfigError(
            f"there is no task that all of these were evaluated on: {few}{more}. "
            "Compare runs of the same tasks."
        )
    return shared, {task: names for task, names in lacking.items() if names}


def _compared(
    method: Method, groups: Mapping[str, Sequence[str]], bootstrap: Bootstrap
) -> Compared:
    tasks = groups[TOTAL]
    scores = np.array(
        [[float(m.evaluation["tasks"][task]["score"]) for task in tasks] for m in method.members]
    )
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
        said.append(f"one run only of {_few(single)}: nothing is known of how other seeds would do")
    if left_out:
        who = list(dict.fromkeys(name for names in left_out.values() for name in names))
        said.append(f"left out {_few(list(left_out))}: not evaluated in {_few(who)}")
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


def _method_json(one: Compared) -> dict[str, Any]:
    members = one.method.members
    return {
        "runs": [member.name for member in members],
        "steps": [member.steps for member in members],
        "mode": one.modes,
        "tasks": {
            task: {
                **_json(estimate),
                "score": estimate.value,
                "scores": one.scores[:, place],
                "episodes": sum(m.evaluation["tasks"][task].get("episodes", 0) for m in members),
                "return": _mean_of(members, task, "return"),
                "success": _mean_of(members, task, "success"),
            }
            for place, (task, estimate) in enumerate(one.tasks.items())
        },
        "domains": {
            group: {
                "score": values["mean"].value,
                **{name: _json(estimate) for name, estimate in values.items()},
            }
            for group, values in one.groups.items()
            if group != TOTAL
        },
        "total": {name: _json(estimate) for name, estimate in one.groups[TOTAL].items()},
        "score": one.groups[TOTAL]["mean"].value,
        "profile": [_json(share) for share in one.profile],
        "curves": {
            axis: [
                {axis: where, **_json(score)}
                for where, score in zip(line.where, line.scores, strict=True)
            ]
            for axis, line in one.curves.items()
        },
    }


def _mean_of(members: Sequence[Member], task: str, value: str) -> float | None:
    known = [member.evaluation["tasks"][task].get(value) for member in members]
    return float(np.mean(known)) if all(one is not None for one in known) else None


def _json(estimate: Estimate) -> dict[str, Any]:
    known = estimate.low is not None
    return {"value": estimate.value, "ci95": [estimate.low, estimate.high] if known else None}


def _few(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} others" if len(names) > most else ""
    return ", ".join(names[:most]) + more
