"""What a planner needs of a model, and the value of an action sequence under it."""

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


def rollout(model: PlanningModel, z: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Roll action sequences through the model.

    Args:
        model: Bound to E environments.
        z: [E, L] the latent that all sequences of an environment start from.
        actions: [H, E, M, A].

    Returns:
        Discounted reward sums [E, M] and the latents reached [E, M, L].
    """
    discount = model.discount.unsqueeze(1)
    total, latent = model.first_step(z, actions[0])
    for t in range(1, actions.shape[0]):
        reward, latent = model.step(latent, actions[t])
        total = total + discount**t * reward
    return total, latent
