"""What a run does at the same time follows from its settings, its environments and its device."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from newt_core.errors import ConfigError
from newt_core.specs import load_specs
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.overlap import LOCK_STEP, Overlap
from newt_core.workflows.cost import Prices, cost
from newt_core.workflows.forecast import forecast
from newt_core.workflows.overlap import matrix_products_of, overlap_of
from newt_core.workflows.profile import Profile
from newt_core.workflows.rank_shares import require_ranks
from newt_core.workflows.trial_loop import TrialLoop

CPU, GPU = torch.device("cpu"), torch.device("cuda")
SPECS = load_specs().select("pygame-pong,pygame-cartpole-balance")


def config(overlap: str, *changes: str, preset: str = "cpu") -> RunConfig:
    return resolve_config(preset, None, [f"overlap={overlap}", *changes], tasks="x", device="cpu")


@pytest.mark.parametrize(
    ("overlap", "changes", "device", "envs", "expected"),
    [
        ("off", [], GPU, 20, LOCK_STEP),
        # Two of its environments are planned for at once on a CPU, anyway.
        ("simulation", [], CPU, 20, Overlap(groups=10)),
        ("simulation", [], CPU, 200, Overlap(groups=10)),
        ("simulation", [], CPU, 3, Overlap(groups=2)),
        ("simulation", [], GPU, 20, Overlap(groups=2)),
        ("simulation", [], GPU, 1, Overlap(groups=1)),
        # An update takes as long as 1.9 plans: with 20 due, planning is over first ...
        ("full", [], CPU, 20, Overlap(10, updates=11, groups_beside=10)),
        # ... and with 2 due, the other way round.
        ("full", ["update.updates_per_step=0.1"], CPU, 20, Overlap(10, 2, groups_beside=2)),
        ("full", ["planner.enabled=false"], CPU, 20, Overlap(10, updates=0, groups_beside=10)),
        ("full", [], GPU, 20, Overlap(2, updates=20, groups_beside=2)),
        ("full", ["update.updates_per_step=0.01"], GPU, 20, Overlap(2, 1, groups_beside=2)),
    ],
)
def test_what_goes_on_at_the_same_time(overlap, changes, device, envs, expected):
    assert overlap_of(config(overlap, *changes), envs, device) == expected


@pytest.mark.parametrize(("text", "mode"), [("on", "full"), ("'off'", "off"), ("full", "full")])
def test_off_and_on_mean_what_they_say_though_yaml_takes_them_for_truth_values(text, mode):
    again = resolve_config(None, None, [f"overlap={text}"])
    assert again.overlap == mode
    assert "overlap: off" not in again.to_yaml(), "unquoted"


def test_threads_that_compute_at_once_multiply_alike():
    before = torch.get_float32_matmul_precision()
    for overlap, tf32, expected in (
        ("full", "true", "high"),
        ("full", "false", "highest"),
        ("simulation", "true", before),
        ("off", "true", before),
    ):
        alike = (f"planner.tf32={tf32}", f"update.tf32={tf32}")
        with matrix_products_of(config(overlap, *alike), torch.device("cuda")):
            assert torch.get_float32_matmul_precision() == expected
        assert torch.get_float32_matmul_precision() == before
    with pytest.raises(ConfigError, match=r"planner\.tf32 and update\.tf32 must be the same"):
        config("full", "planner.tf32=false")
    config("simulation", "planner.tf32=false")


def test_several_ranks_overlap_simulation_alone():
    require_ranks(config("simulation"), SPECS, 2, online=True)
    require_ranks(config("full"), SPECS, 2, online=False)
    with pytest.raises(ConfigError, match="set it to simulation"):
        require_ranks(config("full"), SPECS, 2, online=True)


def test_on_a_gpu_the_cost_hides_simulation_behind_planning_and_learning():
    def made(mode: str, device: str = "cuda", **changes: Any) -> tuple[float, float]:
        settings = config(mode, "evaluation.every=0", "update.updates_per_step=0.1")
        found = cost(settings, SPECS, Profile(**{**speed, "device": device}), Prices())
        assert found.seconds["total"] == pytest.approx(
            sum(v for k, v in found.seconds.items() if k != "total") - found.hidden_seconds
        )
        return found.seconds["simulation"], found.hidden_seconds

    speed: dict[str, Any] = {
        "machine": {},
        "device": "cuda",
        "cores": 1,
        "planning_flops_per_s": 1e12,
        "learning_flops_per_s": 1e12,
        "simulation_core_s": 1e-4,
        "measured_on": "by hand",
    }
    one, more = (cost(config(mode), SPECS, Profile(**speed), Prices()) for mode in ("off", "full"))
    assert more.memory["model"] == one.memory["model"] * 6.5 / 5.5
    simulation, hidden = made("full")
    assert made("off")[1] == made("full", "cpu")[1] == 0
    assert made("simulation")[1] == pytest.approx(simulation / 2)
    assert simulation / 2 < hidden <= simulation


def test_a_run_with_overlap_is_foretold_by_its_rounds(monkeypatch):
    rounds: list[int] = []
    make = TrialLoop.rounds

    def watched(self: TrialLoop, count: int, *others: Any) -> None:
        rounds.append(count)
        make(self, count, *others)

    monkeypatch.setattr(TrialLoop, "rounds", watched)
    small = ["update.updates_per_step=0.5", "planner.num_samples=16", "evaluation.every=0"]
    assert forecast(config("off", *small, preset="smoke"), SPECS).seconds
    assert not rounds
    assert forecast(config("full", *small, preset="smoke"), SPECS).seconds
    assert set(rounds) == {3}
