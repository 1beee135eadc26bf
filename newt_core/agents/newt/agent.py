"""The agent: a world model, what trains it, and the snapshot of it that plans."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, Literal

import torch

from newt_core.agents.base import Acting, Imagined
from newt_core.agents.newt.acting_model import ActingModel
from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.imagine import imagine
from newt_core.agents.newt.open_loop import OpenLoopActor
from newt_core.agents.newt.update import Learner
from newt_core.agents.newt.values import action_values
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.agents.weights import fitting, initial_weights, load_weights
from newt_core.encoders.image.base import ImageEncoder
from newt_core.model.config import ModelConfig
from newt_core.model.sizes import SIZES
from newt_core.model.world_model import TaskTable, WorldModel
from newt_core.planner.config import PlannerConfig
from newt_core.types import Act, FloatArray, Observation


class NewtAgent(ActingModel):
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
        ranks: Those that train it together.
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
        ranks: Ranks = ALONE,
    ) -> None:
        with initial_weights(seed):
            model = WorldModel(
                SIZES[model_config.size],
                tasks,
                state=model_config.obs != "rgb",
                feature_stack=model_config.feature_stack,
                q_dropout=model_config.q_dropout,
            )
        super().__init__(model.to(device), planner_config)
        self.model_config = model_config
        self.image_encoder = image_encoder
        self._make_learner = partial(Learner, self.model, update_config, seed=seed, ranks=ranks)

    @cached_property
    def learner(self) -> Learner:
        """What trains it. Made when it is first asked for: who only acts needs no optimisers."""
        return self._make_learner()

    @property
    def version(self) -> int:
        """Gradient steps so far."""
        return self.learner.updates if "learner" in self.__dict__ else 0

    @property
    def obs(self) -> Literal["state", "rgb", "both"]:
        """What it sees."""
        return self.model_config.obs

    @property
    def feature_stack(self) -> int:
        """Features F that it reads; 0 for none."""
        return self.model_config.feature_stack

    def player(self, num_envs: int, *, seed: int, how: Acting) -> Act:
        """See :class:`newt_core.agents.base.Agent`."""
        if how.open_loop is not None:
            return OpenLoopActor(
                self, num_envs, horizon=how.open_loop, seed=seed, prior_weight=how.prior_weight
            )
        by_policy = how.policy_only or not self.planner_config.enabled
        settings = ActorSettings(policy_only=by_policy, prior_weight=how.prior_weight)
        return Actor(self, num_envs, seed=seed, settings=settings)

    def values(self, observation: Observation, action: FloatArray) -> FloatArray:
        """See :class:`newt_core.agents.base.Valuing`."""
        return action_values(self, observation, action)

    def mode(self, how: Acting) -> str:
        """See :class:`newt_core.agents.base.Agent`."""
        by_policy = how.policy_only or not self.planner_config.enabled
        if by_policy and how.open_loop is None:
            return "policy"
        weight = self.prior_weight if how.prior_weight is None else how.prior_weight
        kind = "constrained planning" if weight else "planning"
        return kind if how.open_loop is None else f"open-loop {kind}, {how.open_loop} steps"

    def imagine(self, seen: Observation, actions: FloatArray) -> Imagined:
        """See :class:`newt_core.agents.base.Imagining`."""
        return imagine(self.model, seen, actions)

    def state_dict(self) -> dict[str, Any]:
        """Weights (target heads included) and the learner's state."""
        return {"model": self.model.state_dict(), "learner": self.learner.state_dict()}

    def load_weights(self, state: dict[str, Any]) -> None:
        """Take over the weights of a :meth:`state_dict`, but not how learning went on.

        Raises:
            CheckpointError: The weights are of another architecture.
        """
        self.load_state_dict(state, learner=False)

    def load_state_dict(self, state: dict[str, Any], *, learner: bool = True) -> None:
        """Take over weights and, to go on training, the learner's state.

        Raises:
            CheckpointError: The weights are of another architecture.
        """
        with fitting(f"a {self.model_config.size} model"):
            load_weights(self.model, state)
            if learner:
                self.learner.load_state_dict(state["learner"])
        self.weights_replaced()
