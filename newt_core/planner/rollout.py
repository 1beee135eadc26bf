"""Action sequences rolled out in a model."""

from __future__ import annotations

from torch import Tensor

from newt_core.planner.protocol import PlanningModel


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
