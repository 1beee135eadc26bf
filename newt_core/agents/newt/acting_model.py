"""A world model that acts: its newest weights, arranged for planning."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

import torch

from newt_core.agents.newt.plan_memory import bytes_per_env
from newt_core.devices.memory import budget
from newt_core.devices.precision import matrix_products
from newt_core.model.split import SplitModel
from newt_core.model.world_model import WorldModel
from newt_core.planner.captured import CapturedSearch
from newt_core.planner.chunks import PLAINLY, OnGpu
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
        self._snapshot: SplitModel | None = None
        self._captured: CapturedSearch | None = None
        self._reloaded = False
        self._copy: WorldModel | None = None
        self._held = False

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    @abstractmethod
    def version(self) -> int:
        """A number that changes whenever the weights do."""

    @property
    def acted(self) -> WorldModel:
        """The weights that encode and act by the policy: the newest, or those that are held."""
        return self._copy if self._held and self._copy is not None else self.model

    @torch.no_grad()
    def hold(self) -> None:
        """Act by the weights as they are now, whatever becomes of them, until :meth:`release`."""
        self.planning_snapshot()
        if self._copy is None:
            self._copy = copy.deepcopy(self.model).requires_grad_(False)
        else:
            # Of what a plan imagines in, the snapshot has a copy of its own.
            for name in ("encoder", "policy"):
                kept, newest = (getattr(each, name) for each in (self._copy, self.model))
                kept.load_state_dict(newest.state_dict())
        self._held = True

    def release(self) -> None:
        """Act by the newest weights again."""
        self._held = False

    def planning_snapshot(self) -> SplitModel:
        """Return the weights arranged for planning; taken over only when they have changed."""
        if self._held and self._snapshot is not None:
            return self._snapshot
        if self._snapshot is None:
            config = self.planner_config
            self._snapshot = SplitModel(
                self.model,
                DTYPES[config.precision],
                version=self.version,
            )
        elif self._reloaded or self._snapshot.version != self.version:
            self._snapshot.refresh(self.model, self.version)
        self._reloaded = False
        return self._snapshot

    def matrix_products(self) -> AbstractContextManager[None]:
        """Multiply matrices in the block as the planner's settings say."""
        return matrix_products(self.device, tf32=self.planner_config.tf32)

    def on_gpu(self, num_envs: int, horizon: int) -> OnGpu:
        """Return how plans of some horizon are made on the weights' device.

        Args:
            num_envs: Environments that there are.
            horizon: Steps that the plans look ahead.
        """
        if self.device.type != "cuda":
            return PLAINLY
        config, split = self.planner_config, self.planning_snapshot()
        each = bytes_per_env(self.model.size, split.width, config, horizon, split.dtype)
        captured = self.captured_search() if config.graphs and horizon == config.horizon else None
        return OnGpu(max(1, budget(self.device) // each), captured, num_envs)

    def captured_search(self) -> CapturedSearch:
        """Return the search over buffers, one for all who act with these weights."""
        if self._captured is None:
            self._captured = CapturedSearch(self.planning_snapshot().bind)
        return self._captured

    def weights_replaced(self) -> None:
        """Have the next plan take over weights that came from elsewhere than an update."""
        self._reloaded = True
