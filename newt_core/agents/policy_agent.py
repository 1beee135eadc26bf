"""What agents that act by a policy network alone have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from newt_core.agents.actions import executable
from newt_core.agents.base import Acting, Skipped, Stateful
from newt_core.agents.optimisers import Optimisers
from newt_core.agents.weights import fitting, load_weights
from newt_core.encoders.image.base import ImageEncoder
from newt_core.types import Act, FloatArray, Observation


class PolicyAgent(ABC):
    """A :class:`newt_core.agents.base.Agent` that looks, acts, and neither plans nor draws.

    Args:
        model: The networks.
        learning: What trains them.
        device: Where both are.
    """

    obs: Literal["state", "rgb", "both"] = "state"
    feature_stack: int = 0
    image_encoder: ImageEncoder | None = None

    def __init__(self, model: nn.Module, learning: Optimisers, device: torch.device) -> None:
        self.model = model
        self.learning = learning
        self.device = device

    @abstractmethod
    def choose(self, state: Tensor, task: Tensor, image: Tensor | None) -> Tensor:
        """Return what the policy does without exploring.

        Args:
            state: [K, S].
            task: [K] index of each row's task.
            image: [K, F · D] features; None for an agent of states.

        Returns:
            [K, A] in [-1, 1], zero in masked entries.
        """

    @torch.inference_mode()
    def act(self, observation: Observation) -> FloatArray:
        """Choose an action [K, A] in each of K environments.

        Raises:
            UselessActionError: One is not finite, because the weights are useless.
        """
        state = torch.as_tensor(observation.state, device=self.device)
        task = torch.as_tensor(observation.task, device=self.device)
        image = None
        if self.feature_stack and observation.features is not None:
            image = torch.as_tensor(observation.features, device=self.device).flatten(1)
        return executable(self.choose(state, task, image))

    def player(self, num_envs: int, *, seed: int, how: Acting) -> Act:
        """See :class:`newt_core.agents.base.Agent`."""
        return self.act

    def mode(self, how: Acting) -> str:
        """See :class:`newt_core.agents.base.Agent`."""
        return "policy"

    def state_dict(self) -> dict[str, Any]:
        """Return the weights, and how learning goes on."""
        return {"model": self.model.state_dict(), "learner": self.learning.state_dict()}

    def load_weights(self, state: dict[str, Any]) -> None:
        """Take over the weights of a :meth:`state_dict`, but not how learning went on.

        Raises:
            CheckpointError: They are of another architecture, or useless.
        """
        with fitting("this agent"):
            load_weights(self.model, state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over weights and, to go on training, the optimisers' state.

        Raises:
            CheckpointError: See :meth:`load_weights`.
        """
        with fitting("this agent"):
            load_weights(self.model, state)
            self.learning.load_state_dict(state["learner"])


class PolicyLearning:
    """What a run asks of such an agent, whatever it learns from.

    Args:
        agent: Learns.
        parts: What else changes during a run, under the names of the checkpoints.
    """

    def __init__(self, agent: PolicyAgent, parts: Mapping[str, Stateful]) -> None:
        self.parts: Mapping[str, Stateful] = {"agent": agent, **parts}
        self._learning = agent.learning

    @property
    def updates(self) -> int:
        """Gradient steps so far."""
        return self._learning.updates

    @property
    def skipped(self) -> Skipped:
        """Updates left out because they were not finite."""
        return self._learning.skipped

    def begin(self) -> None:
        """See :class:`newt_core.agents.base.OnlineAgent`."""
