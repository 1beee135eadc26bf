"""Stops a run whose numbers have become useless, before they reach a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import SupportsFloat

from newt_core.errors import TrainingDiverged


def check_finite(
    metrics: Mapping[str, SupportsFloat], step: int, *, last_good: Path | None = None
) -> None:
    """Raise if a loss or a gradient norm is not finite.

    Give it an update's own metrics only: in others, such as a success rate of tasks without
    a success signal, NaN has a meaning.

    Args:
        metrics: name → number or tensor of one element.
        step: agent steps so far.
        last_good: the newest checkpoint.

    Raises:
        TrainingDiverged: names the first such metrics, and what to do.
    """
    bad = [f"{name} is {float(value)}" for name, value in metrics.items() if not _finite(value)]
    if not bad:
        return
    shown = ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
    remedy = (
        f"The last good checkpoint is {last_good}: go on from it with --resume and"
        if last_good is not None
        else "There is no checkpoint yet: start again with"
    )
    raise TrainingDiverged(
        f"training diverged at step {step}: {shown}. {remedy} a lower --set update.lr=…, "
        "a lower update.grad_clip, or update.precision=float32."
    )


def _finite(value: SupportsFloat) -> bool:
    return math.isfinite(float(value))
