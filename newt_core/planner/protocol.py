"""What a planner needs of a model."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class PlanningModel(Protocol):
    """A learned model bound to E environments, as plain functions.

    The planner never sees networks. Anything with these methods can be planned on; the tests
    use arithmetic whose best plan is known.
    """

    @property
    def discount(self) -> Tensor:
        """[E] each environment's discount."""

    @property
    def mask(self) -> Tensor:
        """[E, A] ones in the valid action entries; A may be narrower than the padded width."""

    def prior(self, z: Tensor, noise: Tensor) -> Tensor:
        """Policy actions: z [E, M or 1, L], noise [E, M, A] → [E, M, A]."""

    def first_step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Step from one latent per environment: z [E, L], action [E, M, A] → as ``step``."""

    def step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Step [E, M, L] latents by [E, M, A] actions → reward [E, M] and next latent [E, M, L]."""

    def value(self, z: Tensor, noise: Tensor, heads: Tensor) -> Tensor:
        """Mean of two Q heads at the policy's action: z [E, M, L], noise [E, M, A] → [E, M]."""
