"""Planning for many environments in pieces that suit the machine.

Plans do not depend on each other, so they can be made a few environments at a time. A CPU is
fastest when a chunk's samples fit its cache, and each of its threads has a chunk of its own; a GPU
wants as many environments at once as its memory has room for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from newt_core.planner.captured import CapturedSearch
from newt_core.planner.compiled import compiled_search
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import Plan, PlanNoise, exploring, search
from newt_core.planner.protocol import PlanningModel
from newt_core.planner.side_by_side import side_by_side

CPU_ROWS = 512
"""Sequences scored at a time on a CPU, about: their activations have to fit a core's cache. Half as
many are still worth a thread of their own."""


@dataclass(frozen=True)
class OnGpu:
    """How plans are made on a GPU."""

    envs: int | None = None
    """Environments at a time, at most; None for all."""
    captured: CapturedSearch | None = None
    """What searches; None to call the search as it is."""
    usual: int | None = None
    """Environments that there are; None if as many as are planned for."""


PLAINLY = OnGpu()
"""All environments at once, without a CUDA graph."""


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
    on_gpu: OnGpu = PLAINLY,
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
        on_gpu: How, if not on a CPU.
    """
    by = compiled_search() if config.compile else search
    size = chunk_size(len(z), on_gpu.envs)
    on_cpu = z.device.type == "cpu"
    if on_cpu:
        size = cpu_chunk_size(len(z), config.num_samples, torch.get_num_threads())
    usual = chunk_size(max(len(z), on_gpu.usual or 0), on_gpu.envs)

    def planned(rows: slice) -> Plan:
        some, own = (task[rows], z[rows], mean[:, rows]), noise.of_envs(rows)
        if on_gpu.captured is not None:
            found = on_gpu.captured(*some, own, config, prior_weight=prior_weight, usual=usual)
        else:
            found = by(bind(some[0]), *some[1:], own, config, prior_weight)
        return exploring(found, own) if explore else found

    chunks = [slice(start, start + size) for start in range(0, len(z), size)]
    if on_cpu and not config.compile:
        return joined(side_by_side(planned, chunks))
    return joined([planned(rows) for rows in chunks])


def chunk_size(envs: int, most: int | None) -> int:
    """Return how many environments make a chunk, so that all chunks are about alike."""
    return envs if most is None else -(-envs // -(-envs // max(1, most)))


def cpu_chunk_size(envs: int, samples: int, threads: int) -> int:
    """Return how many environments make a chunk on a CPU: each thread has its own if it pays."""
    most, share = max(1, CPU_ROWS // samples), -(-envs // threads)
    return min(most, share) if share * samples >= CPU_ROWS // 2 else most


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
