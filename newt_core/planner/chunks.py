"""Planning for many environments in pieces that suit the machine.

Plans do not depend on each other, so they can be made a few environments at a time. A CPU is
fastest when a chunk's samples fit its cache; a GPU wants all environments at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from newt_core.planner.compiled import compiled_search
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import Plan, PlanNoise, plan, search
from newt_core.planner.protocol import PlanningModel

CPU_ROWS = 512
"""Sequences scored at a time on a CPU, about: their activations have to fit a core's cache."""


def plan_in_chunks(
    bind: Callable[[Tensor], PlanningModel],
    task: Tensor,
    z: Tensor,
    mean: Tensor,
    noise: PlanNoise,
    config: PlannerConfig,
    *,
    prior_weight: float = 0.0,
    explore: bool = False,
) -> Plan:
    """Plan as :func:`newt_core.planner.mppi.plan` does, in chunks.

    Args:
        bind: Gives the model for some environments' tasks.
        task: [E].
        z: [E, L], as the bound model stores latents.
        mean: [H, E, A].
        noise: For all E environments.
        config: As for ``plan``.
        prior_weight: As for ``plan``.
        explore: As for ``plan``.
    """
    by = compiled_search() if config.compile else search
    size = len(z)
    if z.device.type == "cpu":
        size = max(1, CPU_ROWS // config.num_samples)
    plans = []
    for start in range(0, len(z), size):
        rows = slice(start, start + size)
        plans.append(
            plan(
                bind(task[rows]),
                z[rows],
                mean[:, rows],
                noise.of_envs(rows),
                config,
                prior_weight=prior_weight,
                explore=explore,
                by=by,
            )
        )
    return joined(plans)


def joined(plans: Sequence[Plan]) -> Plan:
    """Put plans of different environments side by side."""
    if len(plans) == 1:
        return plans[0]
    return Plan(
        actions=torch.cat([p.actions for p in plans], dim=1),
        mean=torch.cat([p.mean for p in plans], dim=1),
        std=torch.cat([p.std for p in plans], dim=1),
        value=torch.cat([p.value for p in plans]),
    )
