"""All measurements, the most important first."""

from __future__ import annotations

from benchmarks.gpu_check import agreement, chip, learning, planning, stepping, training
from benchmarks.gpu_check.loop import Measurement
from benchmarks.gpu_check.measurement import PRECISIONS

FIRST, OTHERS = "20M", ("5M", "2M", "80M")


def measurements(*, quick: bool) -> list[Measurement]:
    """Return them; if quick, everything once, on the smallest model."""
    size = "2M" if quick else FIRST
    found = [
        Measurement("chip", chip.chip, limit_s=40),
        Measurement("agrees with the CPU", agreement.with_cpu, needs_s=10, limit_s=90),
        Measurement("graphs agree", agreement.of_graphs, limit_s=60),
    ]
    found += [_plan(size, p, graphs=True) for p in ("bfloat16", "tf32")]
    found += [_update(size, p, graphs=True) for p in ("bfloat16", "tf32")]
    found += [
        Measurement("step bfloat16", stepping.stepping("bfloat16"), limit_s=60),
        Measurement("waits in a step", stepping.waiting, limit_s=40),
    ]
    if not quick:  # Compiling takes a minute or more.
        found += [
            _plan(size, "bfloat16", graphs=True, compiled=True),
            _update(size, "bfloat16", graphs=True, compiled=True),
            Measurement("step bfloat16 compiled", stepping.stepping("bfloat16", compiled=True),
                        needs_s=60, limit_s=200),
        ]  # fmt: skip
    found += [
        Measurement("training", training.training, needs_s=40, limit_s=150),
        Measurement("precisions", agreement.of_precisions, limit_s=40),
    ]
    found += [_plan(size, p, graphs=False) for p in PRECISIONS]
    found += [_update(size, p, graphs=False) for p in PRECISIONS]
    found += [
        Measurement("plan plain", planning.plain_planning, needs_s=15, limit_s=60),
        Measurement("update plain", learning.plain_learning, limit_s=60),
        Measurement("pictures", training.pictures, limit_s=60),
        Measurement("refreshing weights", planning.refreshing, limit_s=30),
    ]
    if quick:
        return found
    found += [_plan(size, "float32", graphs=True), _update(size, "float32", graphs=True)]
    for other in OTHERS:
        found += [_plan(other, "bfloat16", graphs=True), _update(other, "bfloat16", graphs=True)]
    found += [_plan(size, "bfloat16", graphs=on, envs=8) for on in (True, False)]
    return found


def _name(what: str, size: str, precision: str, graphs: bool, compiled: bool) -> str:
    way = " ".join(name for name, on in (("compiled", compiled), ("graph", graphs)) if on)
    return f"{what} {size} {precision} {way or 'eager'}"


def _plan(
    size: str, precision: str, *, graphs: bool, compiled: bool = False, envs: int | None = None
) -> Measurement:
    name = _name("plan", size, precision, graphs, compiled)
    return Measurement(
        name if envs is None else f"{name}, {envs} environments",
        planning.planning(size, precision, graphs=graphs, compiled=compiled, envs=envs),
        needs_s=45 if compiled else 5,
        limit_s=180 if compiled else 45,
    )


def _update(size: str, precision: str, *, graphs: bool, compiled: bool = False) -> Measurement:
    return Measurement(
        _name("update", size, precision, graphs, compiled),
        learning.learning(size, precision, graphs=graphs, compiled=compiled),
        needs_s=45 if compiled else 5,
        limit_s=180 if compiled else 45,
    )
