"""One gradient step as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from newt_core.agents.newt.losses import UpdateNoise
from newt_core.devices.static_call import StaticCall
from newt_core.replay.buffer import Batch

Take = Callable[[Batch, UpdateNoise, float, bool], dict[str, Tensor]]
"""Takes a step: batch, noise, weight of cloning, whether all parts learn jointly → metrics."""

BATCH = ("obs", "action", "reward", "task", "features")
NOISE = tuple(each.name for each in fields(UpdateNoise))


class CapturedUpdate:
    """Takes gradient steps over buffers that stay where they are.

    Args:
        take: Takes one. Weights, optimisers and counts that it changes have to stay where they
            are, too, or the graphs have to be forgotten.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._names: dict[tuple[Any, ...], list[str]] = {}
        self.call = StaticCall(self._step, "the update")
        """What counts the graphs."""

    def __call__(
        self, batch: Batch, noise: UpdateNoise, bc_coef: float, joint: bool
    ) -> dict[str, Tensor]:
        """Take one; see :data:`Take`."""
        tensors = [getattr(batch, name) for name in BATCH]
        tensors += [getattr(noise, name) for name in NOISE]
        constants = (batch.part, bc_coef, joint)
        (values,) = self.call(tensors, constants)
        return dict(zip(self._names[constants], values.unbind(), strict=True))

    def _step(self, *given: Any) -> list[Tensor]:
        tensors, (part, bc_coef, joint) = given[:-3], given[-3:]
        batch = Batch(**dict(zip(BATCH, tensors, strict=False)), part=part)
        noise = UpdateNoise(*tensors[len(BATCH) :])
        metrics = self._take(batch, noise, bc_coef, joint)
        self._names[part, bc_coef, joint] = list(metrics)
        # One tensor, so that one copy takes them out of the graph's memory.
        return [torch.stack([each.float() for each in metrics.values()])]
