"""The reports of the planner's and the update's benches, on little work."""

from __future__ import annotations

import pytest

from newt_core.bench import plan as plan_module
from newt_core.bench.plan import bench_plan
from newt_core.bench.update import bench_update
from newt_core.planner.config import PlannerConfig


def test_plan_report(monkeypatch: pytest.MonkeyPatch) -> None:
    small = PlannerConfig(num_samples=16, policy_trajectories=4, num_elites=4, iterations=2)
    monkeypatch.setattr(plan_module, "PlannerConfig", lambda: small)
    heard: list[tuple[int, int]] = []
    report = bench_plan(
        sizes=["2M"], num_envs=2, repeats=1, told=lambda *counted: heard.append(counted)
    )
    assert heard == [(done, 6) for done in range(1, 7)]
    assert report["what"] == "plan"
    assert set(report["variants"]) == {"2M_reference", "2M_float32", "2M_bfloat16"}
    assert set(report["ratios"]) == {
        "2M_float32_over_2M_reference",
        "2M_bfloat16_over_2M_reference",
    }
    assert report["difference"]["2M"] < 1e-5
    timing = report["variants"]["2M_float32"]
    assert timing["steps_per_s"] == pytest.approx(2 / timing["median_s"])


def test_update_report() -> None:
    heard: list[tuple[int, int]] = []
    report = bench_update(
        sizes=["2M"], batch_size=4, repeats=1, told=lambda *counted: heard.append(counted)
    )
    assert heard == [(done, 6) for done in range(1, 7)]
    assert report["what"] == "update"
    timed = {name: one["steps_per_s"] for name, one in report["variants"].items()}
    assert set(timed) == {"2M_reference", "2M_float32", "2M_bfloat16"}
    assert report["ratios"] == {
        f"2M_{name}_over_2M_reference": timed[f"2M_{name}"] / timed["2M_reference"]
        for name in ("float32", "bfloat16")
    }
    assert report["settings"] == {"batch_size": 4, "horizon": 3}
