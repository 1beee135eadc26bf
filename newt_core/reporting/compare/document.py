"""A comparison as the document that ``newt compare --json`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from newt_core.evaluation.statistics import Estimate
from newt_core.reporting.compare.comparison import THRESHOLDS, Compared, Comparison
from newt_core.reporting.compare.members import Member
from newt_core.reporting.compare.published import TOTAL


def document(found: Comparison) -> dict[str, Any]:
    """Return the document that ``newt compare --json`` prints."""
    return {
        "methods": {one.method.name: _method_json(one) for one in found.methods},
        "tasks": found.groups[TOTAL],
        "left_out": dict(found.left_out),
        "improvement": [
            {"ours": one.ours, "theirs": one.theirs, **_json(one.probability)}
            for one in found.improvements
        ],
        "profile_thresholds": THRESHOLDS,
        "published": [asdict(row) for row in found.paper],
        "tdmpc2": found.tdmpc2,
        "baseline": found.baseline,
        "intervals": {
            "kind": "stratified bootstrap, 95 %, percentiles",
            "resampled": found.bootstrap.resampled,
            "repeats": found.bootstrap.repeats,
            "seed": found.bootstrap.seed,
        },
        "remarks": list(found.remarks),
    }


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
        "difference": {group: _json(estimate) for group, estimate in one.differences.items()},
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
