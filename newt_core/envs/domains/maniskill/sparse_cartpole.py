"""Cartpoles that are paid for an upright pole alone, wherever the cart is."""

from __future__ import annotations

from typing import Any

import torch
from mani_skill.envs.tasks.control.cartpole import CartpoleBalanceEnv, CartpoleSwingUpEnv

UPRIGHT = 0.85
"""Uprightness above which a step is paid: (1 + cos of the pole's lean) / 2, in [0, 1]."""


class CartpoleBalanceSparseEnv(CartpoleBalanceEnv):
    """The pole starts near upright."""

    def compute_normalized_dense_reward(
        self, obs: Any, action: torch.Tensor, info: dict[str, Any]
    ) -> torch.Tensor:
        """One or zero."""
        return pay(self.pole_angle_cosine)


class CartpoleSwingUpSparseEnv(CartpoleSwingUpEnv):
    """The pole starts hanging."""

    def compute_normalized_dense_reward(
        self, obs: Any, action: torch.Tensor, info: dict[str, Any]
    ) -> torch.Tensor:
        """One or zero."""
        return pay(self.pole_angle_cosine)


def pay(cosine: torch.Tensor) -> torch.Tensor:
    """Return one where the pole's lean has such a cosine that it counts as upright, else zero."""
    return ((1 + cosine) / 2 > UPRIGHT).float()
