"""An episode, and the policy that plays it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from newt_core.agents.newt.agent import NewtAgent
from newt_core.model.world_model import BoundModel
from newt_core.types import ACTION_DIM, FloatArray

Numbers = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Episode:
    """What one episode saw, did and got."""

    seed: int
    obs: FloatArray
    """[T + 1, S]."""
    actions: FloatArray
    """[T, A]."""
    rewards: FloatArray
    """[T]."""


class Policy:
    """The policy's mean action in one task."""

    def __init__(self, agent: NewtAgent, index: int) -> None:
        self.agent = agent
        self.index = index

    def encode(self, obs: FloatArray) -> Tensor:
        """Latents of observations, [K, S] → [K, L]."""
        task = torch.full((len(obs),), self.index)
        return self.agent.model.encode(torch.from_numpy(obs), task)

    def __call__(self, obs: FloatArray) -> FloatArray:
        """Actions [K, A]."""
        z = self.encode(obs)
        bound = self.agent.model.bind(torch.full((len(obs),), self.index))
        actions: FloatArray = own_action(bound, z).numpy()
        return actions


def own_action(bound: BoundModel, z: Tensor) -> Tensor:
    """The policy's mean action at latents of the model's own order, [K, L] → [K, A]."""
    return bound.policy(z, torch.zeros(len(z), ACTION_DIM)).mean


def discounted_rest(rewards: Numbers, discount: float) -> Numbers:
    """Discounted sum of the rewards from every step on: [T] → [T]."""
    rest, total = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        total = float(rewards[t]) + discount * total
        rest[t] = total
    return rest
