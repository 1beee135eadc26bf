"""The planner's search as CUDA graphs, one for each number of environments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newt_core.devices.static_call import StaticCall
from newt_core.planner.compiled import compiled_search
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import Plan, PlanNoise, search
from newt_core.planner.protocol import PlanningModel

SIZES_PER_OCTAVE = 4
"""Numbers of environments that are captured between one power of two and the next."""


class CapturedSearch:
    """Searches as :func:`newt_core.planner.mppi.search` does, over buffers of fixed shapes.

    How near the policy it searches is a tensor here, so that it may change without a new graph.

    Args:
        bind: Gives the model for some environments' tasks. Its weights have to stay where they
            are; their values may change between calls.
    """

    def __init__(self, bind: Callable[[Tensor], PlanningModel]) -> None:
        self._bind = bind
        self.call = StaticCall(self._search, "planning")
        """What counts the graphs."""

    def __call__(
        self,
        task: Tensor,
        z: Tensor,
        mean: Tensor,
        noise: PlanNoise,
        config: PlannerConfig,
        *,
        prior_weight: float = 0.0,
        usual: int,
    ) -> Plan:
        """Plan without exploration for E environments.

        Other numbers of environments than the usual one are rounded up, by repeating the last, so
        that those whose environments end one after the other are captured a few times only.

        Args:
            task: [E].
            z: [E, L], as the bound model stores latents.
            mean: [H, E, A].
            noise: For all E environments.
            config: As for ``search``.
            prior_weight: As for ``search``.
            usual: Environments at most.
        """
        envs = len(z)
        rows = rounded_up(envs, usual)
        weight = torch.full((), prior_weight, dtype=mean.dtype, device=mean.device)
        given = [(task, 0), (z, 0), (mean, 1), (noise.prior, 1), (noise.samples, 2),
                 (noise.final, 1), (noise.choice, 0), (noise.action, 0)]  # fmt: skip
        if rows > envs:
            repeated = torch.arange(rows, device=z.device).clamp(max=envs - 1)
            given = [(each.index_select(dim, repeated), dim) for each, dim in given]
        outputs = self.call([*(each for each, _ in given), noise.heads, weight], (config,))
        actions, mean, std, value = outputs
        return Plan(actions[:, :envs], mean[:, :envs], std[:, :envs], value[:envs])

    def _search(self, *given: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        task, z, mean, prior, samples, final, choice, action, heads, weight, config = given
        by = compiled_search() if config.compile else search
        noise = PlanNoise(prior, samples, final, heads, choice, action)
        found = by(self._bind(task), z, mean, noise, config, weight)
        return found.actions, found.mean, found.std, found.value


def rounded_up(envs: int, usual: int) -> int:
    """Return the number of environments, no more than the usual, that is planned for instead."""
    step = max(1, (1 << (envs - 1).bit_length()) // (2 * SIZES_PER_OCTAVE))
    return max(envs, min(usual, -(-envs // step) * step))
