"""The planner against the plain reference planner: same weights, same noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from newt_core.bench.inputs import NUM_TASKS, random_model, reference, synchronise
from newt_core.bench.timing import Told, compare, describe_hardware, parts_of, speed_ratios, untold
from newt_core.model.split import SplitModel
from newt_core.planner.chunks import plan_in_chunks
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import Plan, draw_plan_noise
from newt_core.types import ACTION_DIM, STATE_DIM
from newt_core.version import git_version


def bench_plan(
    *, sizes: Sequence[str], num_envs: int, repeats: int, device: str = "cpu", told: Told = untold
) -> dict[str, Any]:
    """Time one plan for ``num_envs`` environments, with the paper's sample counts.

    Every variant plans from the same latents with the same noise. ``difference`` is the largest
    difference between the float32 planner's actions and means and the reference's.

    Args:
        sizes: Model sizes.
        num_envs: E.
        repeats: Timed rounds; the median counts.
        device: A torch device.
        told: Hears of every run.

    Returns:
        The document that ``newt bench plan --json`` prints; a step is one environment's plan.
    """
    where, config = torch.device(device), PlannerConfig()
    variants: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    differences: dict[str, float] = {}
    for part, size in enumerate(sizes):
        runs, difference = _variants(size, num_envs, config, where)
        timed = compare(runs, repeats, parts_of(told, len(sizes), part))
        pairs = [(f"{size}_{name}", f"{size}_reference") for name in ("float32", "bfloat16")]
        variants |= timed
        ratios |= speed_ratios(timed, pairs)
        differences[size] = difference
    return {
        "what": "plan",
        "commit": git_version(),
        "hardware": describe_hardware(),
        "settings": {"envs": num_envs, **config.model_dump()},
        "variants": variants,
        "ratios": ratios,
        "difference": differences,
    }


def _variants(
    size: str, num_envs: int, config: PlannerConfig, device: torch.device
) -> tuple[dict[str, Callable[[], int]], float]:
    model = random_model(size, device)
    task = torch.arange(num_envs, device=device) % NUM_TASKS
    generator = torch.Generator(device).manual_seed(0)
    obs = torch.randn(num_envs, STATE_DIM, device=device, generator=generator)
    mean = torch.zeros(config.horizon, num_envs, ACTION_DIM, device=device)
    noise = draw_plan_noise(
        config,
        num_envs,
        ACTION_DIM,
        model.size.num_q,
        horizon=config.horizon,
        device=device,
        generator=generator,
        cpu_generator=torch.Generator().manual_seed(0),
    )
    with torch.inference_mode():
        z = model.encode(obs, task)
    plain = reference("planner").PlainPlanner(model, task)

    def run_plain() -> int:
        plain.plan(z, mean, noise, config)
        synchronise(device)
        return num_envs

    splits = {dtype: SplitModel(model, dtype) for dtype in (torch.float32, torch.bfloat16)}

    def fast(dtype: torch.dtype) -> Plan:
        # Arranging the weights is part of the price: a learner changes them before every plan.
        split = splits[dtype]
        split.refresh(model, split.version + 1)
        return plan_in_chunks(split.bind, task, split.arrange(z), mean, noise, config)

    @torch.inference_mode()
    def run_float32() -> int:
        fast(torch.float32)
        synchronise(device)
        return num_envs

    @torch.inference_mode()
    def run_bfloat16() -> int:
        fast(torch.bfloat16)
        synchronise(device)
        return num_envs

    with torch.inference_mode():
        ours = fast(torch.float32)
        actions, plain_mean, _ = plain.plan(z, mean, noise, config)
    difference = max(
        float((ours.actions - actions).abs().max()), float((ours.mean - plain_mean).abs().max())
    )
    runs = {"reference": run_plain, "float32": run_float32, "bfloat16": run_bfloat16}
    return {f"{size}_{name}": run for name, run in runs.items()}, difference
