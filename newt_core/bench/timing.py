"""Fair comparisons of running times: variants take turns, medians are reported.

A machine's speed drifts (other processes, heat, frequency). Running the variants in turn
spreads the drift over all of them, and the median ignores the odd slow run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any

from newt_core.training.hardware import describe_hardware

__all__ = ["Told", "compare", "describe_hardware", "parts_of", "speed_ratios", "untold"]

Told = Callable[[int, int], None]
"""Is told how many runs are done, and of how many, after each."""


def untold(done: int, total: int) -> None:
    """Tell nobody."""


def parts_of(told: Told, parts: int, part: int) -> Told:
    """Return what one of several equal parts tells, so that ``told`` hears one count of all."""
    return lambda done, total: told(part * total + done, parts * total)


def compare(
    variants: Mapping[str, Callable[[], int]], repeats: int, told: Told = untold
) -> dict[str, dict[str, Any]]:
    """Time every variant ``repeats`` times, one after the other in every round.

    Args:
        variants: name → a function that does the work once and returns how many steps
            (plans, updates, transitions) it did. It has to wait for work it queued on a device.
        repeats: rounds that count. One more round runs first, untimed, to warm caches.
        told: hears of every run, the first round's included.

    Returns:
        name → ``{"median_s", "runs", "steps_per_s"}``: seconds of the median run, seconds of
        each run in order, and steps per second of the median run.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    steps: dict[str, int] = {}
    done, total = 0, (repeats + 1) * len(variants)
    for round_index in range(repeats + 1):
        for name, run in variants.items():
            start = time.perf_counter()
            steps[name] = run()
            if round_index > 0:
                seconds[name].append(time.perf_counter() - start)
            done += 1
            told(done, total)
    return {
        name: {
            "median_s": median(runs),
            "runs": runs,
            "steps_per_s": steps[name] / median(runs),
        }
        for name, runs in seconds.items()
    }


def speed_ratios(
    variants: Mapping[str, Mapping[str, Any]], pairs: Iterable[tuple[str, str]]
) -> dict[str, float]:
    """Return ``{"fast_over_slow": how many times faster}`` for the pairs (fast, slow)."""
    return {
        f"{fast}_over_{slow}": variants[fast]["steps_per_s"] / variants[slow]["steps_per_s"]
        for fast, slow in pairs
    }
