"""Trajectories of the policy prior, and planning constrained to them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from newt_core.planner.protocol import PlanningModel


@dataclass(frozen=True)
class PriorTrajectories:
    """Sequences that follow the policy in latent space, sampled once per plan.

    They stay the same in every iteration, so neither is their rollout repeated.
    """

    actions: Tensor
    """[H, E, P, A]."""
    reward: Tensor
    """[E, P] discounted sum of predicted rewards."""
    latent: Tensor
    """[E, P, L] where they end."""


def follow_prior(model: PlanningModel, z: Tensor, noise: Tensor) -> PriorTrajectories:
    """Roll out the policy: z [E, L], noise [H, E, P, A].

    All trajectories of an environment share their first latent, so the policy is asked once
    there and only the noise differs.
    """
    discount = model.discount.unsqueeze(1)
    actions = [model.prior(z.unsqueeze(1), noise[0])]
    total, latent = model.first_step(z, actions[0])
    for t in range(1, noise.shape[0]):
        actions.append(model.prior(latent, noise[t]))
        reward, latent = model.step(latent, actions[t])
        total = total + discount**t * reward
    return PriorTrajectories(torch.stack(actions), total, latent)


def constrain(
    mean: Tensor,
    std: Tensor,
    prior_actions: Tensor,
    weight: float | Tensor,
    *,
    min_std: float,
    max_std: float,
) -> tuple[Tensor, Tensor]:
    """Pull the planner's initial Gaussian towards the policy (Newt, constrained planning).

    Args:
        mean: [H, E, A] the warm start.
        std: [H, E, A].
        prior_actions: [H, E, P, A] the policy's trajectories.
        weight: 1 plans around the policy alone, 0 leaves the Gaussian as it is; [] on the mean's
            device where it has to change without the work doing so.
        min_std: The policy's std, with Bessel's correction, is clamped to [min_std, max_std].
        max_std: See ``min_std``.
    """
    if not isinstance(weight, Tensor) and weight == 0.0:
        return mean, std
    # Of a single trajectory there is no std with Bessel's correction: it is 0, then min_std.
    correction = min(1, prior_actions.shape[2] - 1)
    prior_std = prior_actions.std(2, correction=correction).clamp(min_std, max_std)
    return torch.lerp(mean, prior_actions.mean(2), weight), torch.lerp(std, prior_std, weight)


def constraint_weight(progress: float, until: float, end: float) -> float:
    """Annealing of the constraint: 1 up to ``until``, then linear to 0 at ``end``.

    Args:
        progress: Share of the run's steps done, in [0, 1].
        until: Share up to which plans stay around the policy.
        end: Share from which planning is unconstrained.
    """
    if progress <= until:
        return 1.0
    if progress >= end:
        return 0.0
    return (end - progress) / (end - until)
