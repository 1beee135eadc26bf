"""What one run for each of several tasks would cost, one run after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig
from newt_core.workflows.cost import Cost, Prices, cost
from newt_core.workflows.profile import Profile

Speed = Callable[[RunConfig, Sequence[TaskSpec]], Profile]
"""How fast a machine is at a run of some tasks."""


def cost_of_each(
    config: RunConfig, specs: Sequence[TaskSpec], speed: Speed, prices: Prices
) -> Cost:
    """Work out what ``newt train --each`` costs.

    Args:
        config: The settings that the runs share.
        specs: The tasks that get a run each.
        speed: Asked once for each domain, with its first task.
        prices: What the machine is, and what it is paid for.

    Returns:
        Times and disk of all runs together, and the memory of the largest.

    Raises:
        ConfigError: As for :func:`newt_core.workflows.cost.cost`.
    """
    profiles: dict[str, Profile] = {}
    made = []
    for spec in specs:
        own = config.model_copy(update={"tasks": spec.id})
        if spec.domain not in profiles:
            profiles[spec.domain] = speed(own, [spec])
        made.append(cost(own, [spec], profiles[spec.domain], prices))
    total = sum(one.seconds["total"] for one in made)
    steps = sum(one.steps for one in made)
    return Cost(
        steps,
        sum(one.updates for one in made),
        {stage: sum(one.seconds[stage] for one in made) for stage in made[0].seconds},
        sum(one.hidden_seconds for one in made),
        steps / total if total else math.inf,
        {part: max(one.memory[part] for one in made) for part in made[0].memory},
        {part: sum(one.disk[part] for one in made) for part in made[0].disk},
        _sum([one.kwh for one in made]),
        _sum([one.price for one in made]),
    )


def _sum(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
