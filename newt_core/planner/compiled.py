"""The planner's search through ``torch.compile``, in one piece."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from newt_core.planner import mppi
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import Plan, PlanNoise, PriorWeight, Search
from newt_core.planner.protocol import PlanningModel


@cache
def compiled_search() -> Search:
    """Return :func:`newt_core.planner.mppi.search` as a compiled function.

    The model's own tensors, if it has any, have a row for each environment.

    It is compiled for any number of environments, at the first call, which takes a minute or
    more; once more for a single environment, and where planning begins or ceases to be
    constrained. New weights compile nothing again: planning takes them over in place, see
    :meth:`newt_core.model.split.SplitModel.refresh`.
    """
    # Its import takes as long as PyTorch's own, and few runs compile.
    from torch._dynamo import maybe_mark_dynamic

    whole = torch.compile(mppi.search, fullgraph=True)

    def search(
        model: PlanningModel,
        z: Tensor,
        mean: Tensor,
        noise: PlanNoise,
        config: PlannerConfig,
        prior_weight: PriorWeight,
    ) -> Plan:
        rows = [each for each in vars(model).values() if isinstance(each, Tensor)]
        for tensor, environments in (
            *((each, 0) for each in rows),
            (z, 0),
            (mean, 1),
            (noise.prior, 1),
            (noise.samples, 2),
            (noise.final, 1),
            (noise.choice, 0),
            (noise.action, 0),
        ):
            maybe_mark_dynamic(tensor, environments)
        return whole(model, z, mean, noise, config, prior_weight)

    return search
