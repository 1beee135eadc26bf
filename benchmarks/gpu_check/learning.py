"""How fast gradient steps are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.gpu_check.measurement import Given, config_of, seconds_per_call
from benchmarks.gpu_check.planning import graphs_made
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.losses import draw_noise
from newt_core.agents.newt.update import Learner
from newt_core.agents.newt.work import update_flops
from newt_core.bench.inputs import random_batch, random_model, reference
from newt_core.devices.precision import matrix_products
from newt_core.model.config import ModelConfig


def learning(
    size: str, precision: str, *, graphs: bool, compiled: bool = False
) -> Callable[[Given], dict[str, Any]]:
    """Return what times updates of a model size in a number format."""

    def run(given: Given) -> dict[str, Any]:
        config = UpdateConfig(
            batch_size=given.batch, graphs=graphs, compile=compiled, **config_of(precision)
        )
        learner = Learner(random_model(size, given.device), config)
        batch = random_batch(given.batch, config.horizon, given.device)
        timed = seconds_per_call(lambda: learner.update(batch, bc_coef=1.0), given)
        flops = update_flops(ModelConfig.model_validate({"size": size}), config)
        return {
            **timed,
            "batch_size": given.batch,
            "updates_per_s": 1 / timed["seconds"],
            "share_of_matrix_rate": given.share(precision, flops, timed["seconds"]),
            "updates_left_out": int(learner.skipped.total),
            **graphs_made(learner.graphs, given),
        }

    return run


def plain_learning(given: Given) -> dict[str, Any]:
    """Time the plain implementation."""
    config = UpdateConfig(batch_size=given.batch)
    model = random_model(given.size, given.device)
    plain = reference("losses").PlainLearner(model, config)
    batch = random_batch(given.batch, config.horizon, given.device)
    generator = torch.Generator(given.device).manual_seed(0)
    noise = draw_noise(model, batch, generator, torch.Generator().manual_seed(0))
    with matrix_products(given.device, tf32=True):
        timed = seconds_per_call(lambda: plain.update(batch, noise, bc_coef=1.0), given, warm_up=1)
    return {**timed, "batch_size": given.batch, "updates_per_s": 1 / timed["seconds"]}
