"""The gradient step against a straightforward eager one: same weights, same batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from newt_core.agents.newt import losses
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.bench.inputs import random_batch, random_model, reference, synchronise
from newt_core.bench.timing import Told, compare, describe_hardware, parts_of, speed_ratios, untold
from newt_core.version import git_version


def bench_update(
    *, sizes: Sequence[str], batch_size: int, repeats: int, device: str = "cpu", told: Told = untold
) -> dict[str, Any]:
    """Time one gradient step of the whole model.

    Args:
        sizes: Model sizes.
        batch_size: B.
        repeats: Timed rounds; the median counts.
        device: A torch device.
        told: Hears of every run.

    Returns:
        The document that ``newt bench update --json`` prints; a step is one update.
    """
    where = torch.device(device)
    variants: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    for part, size in enumerate(sizes):
        timed = compare(
            _variants(size, batch_size, where), repeats, parts_of(told, len(sizes), part)
        )
        variants |= timed
        pairs = [(f"{size}_{name}", f"{size}_reference") for name in ("float32", "bfloat16")]
        ratios |= speed_ratios(timed, pairs)
    return {
        "what": "update",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "settings": {"batch_size": batch_size, "horizon": UpdateConfig().horizon},
        "variants": variants,
        "ratios": ratios,
    }


def _variants(size: str, batch_size: int, device: torch.device) -> dict[str, Callable[[], int]]:
    exact = UpdateConfig(batch_size=batch_size)
    half = UpdateConfig(batch_size=batch_size, precision="bfloat16")
    batch = random_batch(batch_size, exact.horizon, device)
    plain = reference("losses").PlainLearner(random_model(size, device), exact)
    learners = {
        "float32": Learner(random_model(size, device), exact),
        "bfloat16": Learner(random_model(size, device), half),
    }
    generator = torch.Generator(device).manual_seed(0)
    noise = losses.draw_noise(plain.model, batch, generator, torch.Generator().manual_seed(0))

    def run_plain() -> int:
        plain.update(batch, noise)
        synchronise(device)
        return 1

    def run(learner: Learner) -> Callable[[], int]:
        def update() -> int:
            learner.update(batch, noise=noise)
            synchronise(device)
            return 1

        return update

    runs = {"reference": run_plain, **{name: run(each) for name, each in learners.items()}}
    return {f"{size}_{name}": each for name, each in runs.items()}
