"""``newt bench pool``: that it measures; its numbers are for an idle machine."""

from __future__ import annotations

import json

from newt_core.bench.pool import VARIANTS, bench_pool
from newt_core.specs import load_specs


def test_the_report_has_the_command_lines_form():
    specs = load_specs().select("pendulum-swingup,cartpole-balance")
    report = json.loads(json.dumps(bench_pool(specs, steps=3, repeats=1)))
    assert set(report) == {"what", "commit", "hardware", "variants", "ratios"}
    assert set(report["variants"]) == set(VARIANTS)
    for measured in report["variants"].values():
        assert measured["median_s"] > 0
        assert measured["steps_per_s"] > 0
        # A Python process with a simulator: not nothing, and no gigabytes.
        assert 20 < measured["memory_mb"] <= measured["resident_mb"] < 4000
    assert {"pool_over_gymnasium_async", "pool_over_gymnasium_sync"} <= set(report["ratios"])
    assert report["ratios"]["memory_mb_pool_over_gymnasium_async"] > 0
