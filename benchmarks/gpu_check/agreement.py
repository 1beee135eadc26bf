"""Whether a device computes what a CPU does, a graph what its kernels do one by one, and how far
narrower number formats are off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu_check.measurement import PRECISIONS, Given, config_of
from benchmarks.gpu_check.planning import Planning, graphs_made
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.losses import UpdateNoise
from newt_core.agents.newt.update import Learner
from newt_core.bench.inputs import NUM_TASKS, random_batch, random_model
from newt_core.model.q_ensemble import draw_heads
from newt_core.model.world_model import WorldModel
from newt_core.types import ACTION_DIM, STATE_DIM

CPU = torch.device("cpu")
UPDATES = 8
"""Gradient steps of the comparison of graphs: some before the capture, some after it."""
CLOSE = 1e-3
"""Differences that rounding explains, in quantities of about one."""


def with_cpu(given: Given) -> dict[str, Any]:
    """Compare encoding, a plan and an update on the device, in float32, with those of a CPU."""
    envs = 2 if given.quick else 4
    batch = 8 if given.quick else 64
    config = given.planner.model_copy(update={"tf32": False, "graphs": False})
    models = [random_model(given.size, device) for device in (CPU, given.device)]
    latents = [_latents(model) for model in models]
    plans = [Planning(model, config, envs).plan() for model in models]
    found = {
        "latents": _difference(*latents),
        "plan_value": _relative(plans[1].value, plans[0].value),
        "plan_mean": _difference(plans[0].mean, plans[1].mean),
        # Where two sequences are worth the same to rounding, another of them may be chosen.
        "plan_action": _difference(plans[0].actions, plans[1].actions),
    }
    update = UpdateConfig(batch_size=batch, tf32=False, graphs=False)
    learners = [Learner(model, update) for model in models]
    metrics = [_updated(learner, batch, 1) for learner in learners]
    found |= {f"update {name}": _relative(v, metrics[0][name]) for name, v in metrics[1].items()}
    found["weights after an update"] = _weights(*models)
    important = [v for name, v in found.items() if name not in ("plan_action", "plan_mean")]
    return {"largest": found, "close": max(important) < CLOSE}


def of_graphs(given: Given) -> dict[str, Any]:
    """Compare captured plans and updates with plain ones, while the weights change."""
    model = random_model(given.size, given.device)
    config = given.planner
    envs = 2 if given.quick else 8
    ours, plain = (
        Planning(model, config.model_copy(update={"graphs": on}), envs) for on in (True, False)
    )
    differences = []
    for version in range(UPDATES):
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1.001)
        for each in (ours, plain):
            each.split.refresh(model, version)
        differences.append(_difference(ours.plan().mean, plain.plan().mean))
    assert ours.captured is not None
    learners = [
        Learner(random_model(given.size, given.device), UpdateConfig(graphs=on))
        for on in (True, False)
    ]
    batch = 8 if given.quick else 64
    metrics = [_updated(learner, batch, UPDATES) for learner in learners]
    return {
        "plan_mean": max(differences),
        "plan": graphs_made(ours.captured.call, given),
        "update_metrics": max(_relative(v, metrics[1][name]) for name, v in metrics[0].items()),
        "weights": _weights(*(each.model for each in learners)),
        "update": graphs_made(learners[0].graphs, given),
        "recompiled": _compiled_again(),
    }


def of_precisions(given: Given) -> dict[str, Any]:
    """Say how far plans and losses in narrower formats are off from float32."""
    envs = 2 if given.quick else 50
    found: dict[str, dict[str, float]] = {}
    exact: list[Tensor] = []
    for precision in PRECISIONS:
        changes = {**config_of(precision), "graphs": False, "iterations": 1}
        config = given.planner.model_copy(update=changes)
        plan = Planning(random_model(given.size, given.device), config, envs).plan()
        options = UpdateConfig(batch_size=given.batch, graphs=False, **config_of(precision))
        learner = Learner(random_model(given.size, given.device), options)
        metrics = _updated(learner, given.batch, 1)
        values = [plan.value, plan.mean, torch.stack([m.float() for m in metrics.values()])]
        exact = exact or values
        found[precision] = {
            "value_of_best_sequence": _relative(values[0], exact[0]),
            "plan_mean": _difference(values[1], exact[1]),
            "losses": _relative(values[2], exact[2]),
        }
    return {"from_float32": found, "envs": envs}


def _latents(model: WorldModel) -> Tensor:
    g = torch.Generator().manual_seed(0)
    obs = torch.randn(64, STATE_DIM, generator=g).to(model.device)
    task = torch.arange(64, device=model.device) % NUM_TASKS
    with torch.inference_mode():
        return model.encode(obs, task)


def _updated(learner: Learner, rows: int, times: int) -> Mapping[str, Tensor]:
    """Take updates with the same batches and noise on every device; return the last's metrics."""
    batch = random_batch(rows, learner.config.horizon, learner.model.device)
    metrics: Mapping[str, Tensor] = {}
    for number in range(times):
        metrics = learner.update(batch, bc_coef=1.0, noise=_noise(learner, rows, number))
    return metrics


def _noise(learner: Learner, rows: int, seed: int) -> UpdateNoise:
    """Draw an update's noise on the CPU: the same for every device."""
    g = torch.Generator().manual_seed(seed)
    horizon, there = learner.config.horizon, learner.model.device
    drawn = [torch.randn(steps, rows, ACTION_DIM, generator=g) for steps in (horizon, horizon + 1)]
    drawn += [draw_heads(learner.model.size.num_q, g) for _ in range(2)]
    return UpdateNoise(*(each.to(there) for each in drawn))


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one.cpu().float() - other.cpu().float()).abs().max())


def _relative(one: Tensor, other: Tensor) -> float:
    """Return the largest difference, of numbers beyond one relative to them."""
    ours, theirs = one.cpu().float(), other.cpu().float()
    return float(((ours - theirs).abs() / theirs.abs().clamp(min=1.0)).max())


def _weights(one: WorldModel, other: WorldModel) -> float:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max(_difference(a.detach(), b.detach()) for a, b in pairs)


def _compiled_again() -> int:
    """Return how many graphs torch.compile has made in this process."""
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])
