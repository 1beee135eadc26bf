"""Models, tasks and batches to time: random, but of real shapes."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F

from newt_core.model.sizes import SIZES
from newt_core.model.world_model import TaskTable, WorldModel
from newt_core.replay import Batch
from newt_core.types import ACTION_DIM, STATE_DIM, TEXT_DIM

NUM_TASKS = 8
"""Tasks in the table: enough for the text products to be shared, and not by all rows."""


def random_model(size: str, device: torch.device) -> WorldModel:
    """Return a model whose zero-initialised layers are perturbed, with full-width tasks."""
    generator = torch.Generator().manual_seed(0)
    text = F.normalize(torch.randn(NUM_TASKS, TEXT_DIM, generator=generator), dim=-1)
    table = TaskTable(text, torch.ones(NUM_TASKS, ACTION_DIM), torch.full((NUM_TASKS,), 0.99))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = WorldModel(SIZES[size], table)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.02 * torch.randn_like(parameter))
    return model.to(device)


def random_batch(batch_size: int, horizon: int, device: torch.device) -> Batch:
    """Return a batch of random subsequences."""
    g = torch.Generator().manual_seed(0)
    return Batch(
        obs=torch.randn(horizon + 1, batch_size, STATE_DIM, generator=g).to(device),
        action=(torch.rand(horizon, batch_size, ACTION_DIM, generator=g) * 2 - 1).to(device),
        reward=torch.rand(horizon, batch_size, generator=g).to(device),
        task=(torch.arange(batch_size) % NUM_TASKS).to(device),
    )


def synchronise(device: torch.device) -> None:
    """Wait for the work queued on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def reference(name: str) -> Any:
    """Import a module of the plain implementations, which ship beside the benchmarks."""
    return import_module(f"newt_core.bench.reference.{name}")
