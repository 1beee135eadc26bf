"""What measurements are given, and how calls are timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from newt_core.bench.inputs import synchronise
from newt_core.planner.config import PlannerConfig

PRECISIONS = ("float32", "tf32", "bfloat16")


@dataclass(frozen=True)
class Given:
    """How much is measured, and what was before."""

    device: torch.device
    quick: bool
    """Whether to try everything out rather than to measure it."""
    results: Mapping[str, Mapping[str, Any]]
    """Of the measurements before."""

    @property
    def size(self) -> str:
        """The model that matters most."""
        return "2M" if self.quick else "20M"

    @property
    def envs(self) -> int:
        """Environments that plan together."""
        return 2 if self.quick else 200

    @property
    def batch(self) -> int:
        """Subsequences of an update."""
        return 8 if self.quick else 1024

    @property
    def planner(self) -> PlannerConfig:
        """The paper's planner, or one that is soon done."""
        if not self.quick:
            return PlannerConfig()
        return PlannerConfig(num_samples=16, policy_trajectories=4, num_elites=4, iterations=2)

    def rate(self, precision: str) -> float | None:
        """Return the operations per second of a large product, if they were measured."""
        found = self.results.get("chip", {}).get("flops_per_s", {})
        rate: float | None = found.get(precision)
        return rate

    def share(self, precision: str, flops: float, seconds: float) -> float | None:
        """Return the share of the chip's rate that some work reaches."""
        rate = self.rate(precision)
        return None if rate is None else flops / seconds / rate


def seconds_per_call(
    work: Callable[[], object], given: Given, *, warm_up: int = 5, seconds: float = 2.0
) -> dict[str, Any]:
    """Time a call that keeps a device busy.

    Args:
        work: It; need not wait for the device.
        given: The device.
        warm_up: Calls before, which capture and compile.
        seconds: How long to time, about.

    Returns:
        ``seconds`` of a call, the median of rounds of several calls after which the device is
        waited for; ``runs``, those of each round; ``peak_bytes`` of a GPU's memory.
    """
    device, cuda = given.device, given.device.type == "cuda"
    if given.quick:
        warm_up, seconds = min(warm_up, 4), 0.0
    for _ in range(warm_up):
        work()
    synchronise(device)
    if cuda:
        torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    work()
    synchronise(device)
    rounds = 1 if given.quick else 5
    calls = max(1, min(100, int(seconds / rounds / (time.perf_counter() - start))))
    runs = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            work()
        synchronise(device)
        runs.append((time.perf_counter() - start) / calls)
    peak = torch.cuda.max_memory_allocated(device) if cuda else None
    return {"seconds": median(runs), "runs": runs, "calls": calls, "peak_bytes": peak}


def config_of(precision: str) -> dict[str, Any]:
    """Return the settings of a number format, for planner and update alike."""
    half = precision == "bfloat16"
    return {"precision": "bfloat16" if half else "float32", "tf32": precision != "float32"}
