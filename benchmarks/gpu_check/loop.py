"""Measures one thing after the other, and keeps what came of each; free of PyTorch."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.gpu_check.results import Results
from newt_core.errors import in_short

BROKEN = 3
"""Exit code of a process in which nothing can be measured any more: it is to be started again."""


@dataclass(frozen=True)
class Measurement:
    """Something to measure."""

    name: str
    run: Callable[[Any], dict[str, Any]]
    """Takes a :class:`benchmarks.gpu_check.measurement.Given`."""
    needs_s: float = 5.0
    """With less time left, it is not begun."""
    limit_s: float = 60.0
    """After so long it is given up."""


def measure_all(
    planned: Sequence[Measurement],
    results: Results,
    until: float,
    given: object,
    *,
    works: Callable[[], bool],
    clear: Callable[[], object],
) -> None:
    """Measure what the results do not have yet.

    Args:
        planned: In this order.
        results: Kept after each.
        until: Seconds since 1970, after which nothing is begun.
        given: For each.
        works: Whether the device still does, asked after an error.
        clear: Gives back what a measurement took.
    """
    results.document["planned"] = [each.name for each in planned]
    for each in planned:
        done = each.name in results.measurements or each.name in results.failed
        if done or time.time() + each.needs_s > until:
            continue
        results.begin(each.name, each.limit_s)
        start = time.perf_counter()
        try:
            found = each.run(given)
        except Exception as error:  # noqa: BLE001 (whatever it is, the others are measured)
            results.end(each.name, None, f"{type(error).__name__}: {in_short(error)}")
            sys.stderr.write(f"{each.name}: {in_short(error)}\n")
            if not works():
                sys.exit(BROKEN)
            continue
        results.end(each.name, {**found, "wall_s": round(time.perf_counter() - start, 2)})
        sys.stderr.write(f"{each.name}: {in_words(found)}\n")
        clear()


def in_words(found: Mapping[str, object]) -> str:
    """Return what matters most, for whoever looks on."""
    if "skipped" in found:
        return f"left out: {found['skipped']}"
    shown = {k: v for k, v in found.items() if isinstance(v, float | bool)}
    return ", ".join(f"{k} {v:.4g}" for k, v in shown.items()) or "done"
