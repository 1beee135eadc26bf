"""Arithmetic of planning and learning: what PyTorch counts, on tensors without values.

Floating-point operations of the matrix products, two for each multiplication and addition; norms
and activations are not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from newt_core.agents.newt import losses
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.config import ModelConfig
from newt_core.model.count import without_values
from newt_core.model.split import SplitModel
from newt_core.model.world_model import WorldModel
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import PlanNoise, search
from newt_core.replay import Batch
from newt_core.types import ACTION_DIM, IMAGE_DIM, STATE_DIM

HEADS = 2
"""Q heads of a pair."""


@cache
def plan_flops(model: ModelConfig, planner: PlannerConfig) -> int:
    """Return the operations of one environment's plan, its observation's encoding included."""
    # What all environments share, such as the text products, is not in the difference.
    return _planning(model, planner, envs=2) - _planning(model, planner, envs=1)


def _planning(model: ModelConfig, planner: PlannerConfig, envs: int) -> int:
    n, p, rounds = planner.num_samples, planner.policy_trajectories, planner.iterations
    horizon, stack = planner.horizon, model.feature_stack
    with torch.device("meta"), torch.no_grad():
        world = _world(model)
        split = SplitModel(world)
        task = torch.zeros(envs, dtype=torch.int64)
        noise = PlanNoise(
            prior=torch.empty(horizon, envs, p, ACTION_DIM),
            samples=torch.empty(rounds, horizon, envs, n - p, ACTION_DIM),
            final=torch.empty(rounds, envs, n, ACTION_DIM),
            heads=torch.zeros(rounds, HEADS, dtype=torch.int64),
            choice=torch.empty(envs, planner.num_elites),
            action=torch.empty(envs, ACTION_DIM),
        )
        mean = torch.empty(horizon, envs, ACTION_DIM)
        image = torch.empty(envs, stack * IMAGE_DIM) if stack else None
        with _counter() as counter:
            z = split.arrange(world.encode(torch.empty(envs, STATE_DIM), task, image))
            search(split.bind(task), z, mean, noise, planner, 0.0)
    return counter.get_total_flops()


@cache
def update_flops(model: ModelConfig, update: UpdateConfig) -> int:
    """Return the operations of one update, forward and backward, of interaction with cloning."""
    horizon, rows, stack = update.horizon, update.batch_size, model.feature_stack
    with torch.device("meta"):
        world = _world(model)
        batch = Batch(
            obs=torch.empty(horizon + 1, rows, STATE_DIM),
            action=torch.empty(horizon, rows, ACTION_DIM),
            reward=torch.empty(horizon, rows),
            task=torch.zeros(rows, dtype=torch.int64),
            features=torch.empty(horizon + 1, rows, stack * IMAGE_DIM) if stack else None,
        )
        heads = torch.zeros(HEADS, dtype=torch.int64)
        extended = torch.empty(horizon + 1, rows, ACTION_DIM)
        noise = losses.UpdateNoise(torch.empty_like(batch.action), extended, heads, heads)
        with _counter() as counter:
            made = losses.model_loss(world, world.bind(batch.task), batch, noise, update)
            made.total.backward()
            scale = torch.ones(())
            losses.policy_loss(
                world, made.latents, batch, noise, scale, update, bc_coef=update.bc_coef
            ).total.backward()
    return counter.get_total_flops()


def _counter() -> FlopCounterMode:
    # PyTorch's own counts no product that is added in place.
    return FlopCounterMode(display=False, custom_mapping={torch.ops.aten.addmm_: _in_place})


def _in_place(
    added_to: Sequence[int], left: Sequence[int], right: Sequence[int], **others: Any
) -> int:
    """Return the operations of a product of matrices of two shapes."""
    return 2 * left[0] * left[1] * right[1]


def _world(model: ModelConfig) -> WorldModel:
    made = without_values(model.size, state=model.obs != "rgb", feature_stack=model.feature_stack)
    made.action_width = ACTION_DIM
    return made.to("meta")
