"""From a run's settings to what its rounds do at the same time."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch

from newt_core.agents.newt.work import plan_flops, update_flops
from newt_core.devices.precision import matrix_products
from newt_core.planner.chunks import CPU_ROWS
from newt_core.training.config import RunConfig
from newt_core.training.overlap import LOCK_STEP, Overlap

MOST_GROUPS = 10
"""On a CPU, where plans are made for a few environments at a time anyway."""
GPU_GROUPS = 2
"""On a GPU, which is slower for small groups."""
UPDATE_FACTOR = 1.65
"""How many times as long a CPU takes for an operation of an update as for one of a plan: measured
with the preset cpu in 20 tasks, 0.135 s for each plan and 0.25 s for an update on one core."""


def overlap_of(config: RunConfig, envs: int, device: torch.device) -> Overlap:
    """Return what goes on at the same time in a run of an agent that can do so.

    It follows from the settings and the kind of device alone, not from how fast a machine is: so
    does what the run learns.

    Args:
        config: The run's settings.
        envs: Environments of this rank.
        device: Where the agent computes.
    """
    if config.overlap == "off":
        return LOCK_STEP
    if device.type != "cpu":
        groups = min(envs, GPU_GROUPS)
    else:
        at_once = max(1, CPU_ROWS // config.planner.num_samples)
        groups = min(MOST_GROUPS, math.ceil(envs / at_once))
    if config.overlap == "simulation":
        return Overlap(groups)
    owed = math.ceil(envs * config.update.updates_per_step)
    if device.type != "cpu":
        return Overlap(groups, owed, groups)
    # Both have half of the cores meanwhile, so that whichever takes longer goes on with all.
    beside = _updates_in_a_round(config, envs)
    if owed < beside:
        return Overlap(groups, owed, max(1, math.ceil(groups * owed / beside)))
    return Overlap(groups, round(beside), groups)


def matrix_products_of(config: RunConfig, device: torch.device) -> AbstractContextManager[None]:
    """Multiply a run's matrices alike in the block in all threads, if several compute at once.

    Otherwise acting and learning set what they need, each for itself.

    Args:
        config: The run's settings.
        device: Where the agent computes.
    """
    if config.overlap == "full":
        return matrix_products(device, tf32=config.update.tf32)
    return nullcontext()


def _updates_in_a_round(config: RunConfig, envs: int) -> float:
    """Return how many updates take as long as planning for all environments, on as many cores."""
    if not config.planner.enabled:
        return 0.0
    plan = plan_flops(config.model, config.planner)
    return envs * plan / (UPDATE_FACTOR * update_flops(config.model, config.update))
