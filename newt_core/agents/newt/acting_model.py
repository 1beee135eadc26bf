"""A world model that acts: its newest weights, arranged for planning."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from newt_core.model.split import SplitModel
from newt_core.model.world_model import WorldModel
from newt_core.planner.config import PlannerConfig

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class ActingModel(ABC):
    """What an actor needs of an agent.

    Args:
        model: The weights; they may change.
        planner_config: How it plans.
    """

    def __init__(self, model: WorldModel, planner_config: PlannerConfig) -> None:
        self.model = model
        self.planner_config = planner_config
        self.prior_weight = 0.0
        """How near the policy it plans, unless its actor is told otherwise; see constrain()."""
        self._snapshot: tuple[int, SplitModel] | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    @abstractmethod
    def version(self) -> int:
        """A number that changes whenever the weights do."""

    def planning_snapshot(self) -> SplitModel:
        """Return the weights arranged for planning; rebuilt only when they have changed."""
        if self._snapshot is None or self._snapshot[0] != self.version:
            config = self.planner_config
            split = SplitModel(self.model, DTYPES[config.precision], compiled=config.compile)
            self._snapshot = (self.version, split)
        return self._snapshot[1]
