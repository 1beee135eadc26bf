"""The agent: a world model, what trains it, and the snapshot of it that plans."""

from __future__ import annotations

from typing import Any

import torch

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.encoders.image.base import ImageEncoder
from newt_core.errors import CheckpointError
from newt_core.model.config import ModelConfig
from newt_core.model.sizes import SIZES
from newt_core.model.split import SplitModel
from newt_core.model.world_model import TaskTable, WorldModel
from newt_core.planner.config import PlannerConfig
from newt_core.seeds import Stream, stream_seed

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class NewtAgent:
    """One language-conditioned agent for a list of tasks.

    Args:
        model_config: The architecture.
        planner_config: How it plans.
        update_config: How it learns.
        tasks: Text, mask and discount of each task, in the run's order.
        device: Where the weights are.
        image_encoder: Turns pictures into the features that the model reads; None if it reads
            none.
        seed: Determines the initial weights and the learner's noise.
    """

    def __init__(
        self,
        model_config: ModelConfig,
        planner_config: PlannerConfig,
        update_config: UpdateConfig,
        tasks: TaskTable,
        *,
        device: torch.device,
        image_encoder: ImageEncoder | None = None,
        seed: int = 0,
    ) -> None:
        self.model_config = model_config
        self.planner_config = planner_config
        self.device = device
        self.image_encoder = image_encoder
        self.prior_weight = 0.0
        """How near the policy it plans, unless its actor is told otherwise; see constrain()."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(seed, Stream.WEIGHTS))
            model = WorldModel(
                SIZES[model_config.size],
                tasks,
                state=model_config.obs != "rgb",
                feature_stack=model_config.feature_stack,
            )
        self.model = model.to(device)
        self.learner = Learner(self.model, update_config, seed=seed)
        self._snapshot: tuple[int, SplitModel] | None = None

    def planning_snapshot(self) -> SplitModel:
        """The current weights arranged for planning; rebuilt only after an update."""
        if self._snapshot is None or self._snapshot[0] != self.learner.updates:
            config = self.planner_config
            split = SplitModel(self.model, DTYPES[config.precision], compiled=config.compile)
            self._snapshot = (self.learner.updates, split)
        return self._snapshot[1]

    def state_dict(self) -> dict[str, Any]:
        """Weights (target heads included) and the learner's state."""
        return {"model": self.model.state_dict(), "learner": self.learner.state_dict()}

    def load_state_dict(self, state: dict[str, Any], *, learner: bool = True) -> None:
        """Take over weights and, to go on training, the learner's state.

        Raises:
            CheckpointError: The weights are of another architecture.
        """
        try:
            self.model.load_state_dict(state["model"])
            if learner:
                self.learner.load_state_dict(state["learner"])
        except (KeyError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise CheckpointError(
                f"The weights do not fit a {self.model_config.size} model: {reason}"
            ) from error
        self._snapshot = None
