"""Model-predictive path integral control for many environments at once.

Every iteration samples action sequences from a Gaussian per environment, adds the policy's own
trajectories, scores all of them with the model, and refits the Gaussian to the best (TD-MPC2,
section 3.2; Newt, table 6). State goes in and comes out: :func:`plan` keeps nothing between
calls, and no environment's plan depends on another's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from newt_core.devices.transfer import on_device
from newt_core.model.q_ensemble import draw_heads
from newt_core.planner.config import PlannerConfig
from newt_core.planner.prior import constrain, follow_prior
from newt_core.planner.protocol import PlanningModel
from newt_core.planner.rollout import rollout


@dataclass(frozen=True)
class PlanNoise:
    """Everything random in one plan. P is the number of policy trajectories, I iterations."""

    prior: Tensor
    """[H, E, P, A] standard normal."""
    samples: Tensor
    """[I, H, E, N - P, A] standard normal."""
    final: Tensor
    """[I, E, N, A] standard normal, for the policy's action at the horizon."""
    heads: Tensor
    """[I, 2] the Q heads averaged in each iteration."""
    choice: Tensor
    """[E, K] standard Gumbel, picks one of K elites."""
    action: Tensor
    """[E, A] standard normal, exploration."""

    def of_envs(self, rows: slice) -> PlanNoise:
        """The noise of some environments."""
        return PlanNoise(
            prior=self.prior[:, rows],
            samples=self.samples[:, :, rows],
            final=self.final[:, rows],
            heads=self.heads,
            choice=self.choice[rows],
            action=self.action[rows],
        )


@dataclass(frozen=True)
class Plan:
    """The outcome of planning."""

    actions: Tensor
    """[H, E, A] the chosen sequence, clamped and masked; its first row is to be executed."""
    mean: Tensor
    """[H, E, A] the refitted Gaussian: the next plan's warm start."""
    std: Tensor
    """[H, E, A]."""
    value: Tensor
    """[E] estimated value of the best sequence."""

    def of_envs(self, envs: Tensor) -> Plan:
        """Return the plans of some environments, in that order."""
        envs = on_device(envs, self.value.device)
        return Plan(self.actions[:, envs], self.mean[:, envs], self.std[:, envs], self.value[envs])


PriorWeight = float | Tensor
"""A number, or a tensor [] of one."""
Search = Callable[[PlanningModel, Tensor, Tensor, PlanNoise, PlannerConfig, PriorWeight], Plan]
"""What :func:`search` is."""


def draw_plan_noise(
    config: PlannerConfig,
    num_envs: int,
    width: int,
    num_q: int,
    *,
    horizon: int,
    device: torch.device,
    generator: torch.Generator,
    cpu_generator: torch.Generator,
) -> PlanNoise:
    """Draw a plan's noise; ``width`` is the action width A that the model plans in."""
    i, p, n = config.iterations, config.policy_trajectories, config.num_samples

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, width, device=device, generator=generator)

    exponential = torch.empty(num_envs, config.num_elites, device=device)
    return PlanNoise(
        prior=normal(horizon, num_envs, p),
        samples=normal(i, horizon, num_envs, n - p),
        final=normal(i, num_envs, n),
        heads=on_device(torch.stack([draw_heads(num_q, cpu_generator) for _ in range(i)]), device),
        choice=-exponential.exponential_(generator=generator).log(),
        action=normal(num_envs),
    )


def warm_start(previous: Tensor, first: Tensor) -> Tensor:
    """Shift the previous plan by one step; forget it where an episode begins.

    Args:
        previous: [H, E, A] the previous plan's mean.
        first: [E] bool, true at an episode's first step.
    """
    shifted = torch.cat([previous[1:], torch.zeros_like(previous[:1])])
    return torch.where(first.view(1, -1, 1), 0.0, shifted)


def search(
    model: PlanningModel,
    z: Tensor,
    mean: Tensor,
    noise: PlanNoise,
    config: PlannerConfig,
    prior_weight: PriorWeight,
) -> Plan:
    """Plan without exploration. The arguments are those of :func:`plan`, which adds it."""
    horizon = mean.shape[0]
    discount_h = model.discount.unsqueeze(1) ** horizon
    mask = model.mask
    std = torch.full_like(mean, config.max_std)
    prior = None
    if config.policy_trajectories:
        prior = follow_prior(model, z, noise.prior)
        mean, std = constrain(
            mean,
            std,
            prior.actions,
            prior_weight,
            min_std=config.min_std,
            max_std=config.max_std,
        )
    for i in range(config.iterations):
        sampled = torch.addcmul(mean.unsqueeze(2), std.unsqueeze(2), noise.samples[i])
        actions = sampled.clamp_(-1, 1).mul_(mask.unsqueeze(1))
        reward, latent = rollout(model, z, actions)
        if prior is not None:
            actions = torch.cat([actions, prior.actions], dim=2)
            reward = torch.cat([reward, prior.reward], dim=1)
            latent = torch.cat([latent, prior.latent], dim=1)
        value = reward + discount_h * model.value(latent, noise.final[i], noise.heads[i])
        value = value.nan_to_num(nan=0.0)
        elite_value, elite = value.topk(config.num_elites, dim=1)
        elite_actions = actions.gather(
            2, elite[None, :, :, None].expand(horizon, -1, -1, mask.shape[1])
        )
        weights = torch.softmax(config.temperature * elite_value, dim=1)
        mean, std = refit(elite_actions, weights, config.min_std, config.max_std)
        std = std * mask
    choice = (weights.log() + noise.choice).argmax(1)
    chosen = elite_actions.gather(
        2, choice.view(1, -1, 1, 1).expand(horizon, -1, 1, mask.shape[1])
    ).squeeze(2)
    return Plan(chosen, mean, std, elite_value[:, 0])


def plan(
    model: PlanningModel,
    z: Tensor,
    mean: Tensor,
    noise: PlanNoise,
    config: PlannerConfig,
    *,
    prior_weight: float = 0.0,
    explore: bool = False,
    by: Search = search,
) -> Plan:
    """Plan for E environments.

    Args:
        model: Bound to the environments' tasks.
        z: [E, L] current latents.
        mean: [H, E, A] initial mean; its length sets the horizon.
        noise: Drawn by :func:`draw_plan_noise`.
        config: Sample counts and bounds.
        prior_weight: Pull towards the policy, see :func:`newt_core.planner.prior.constrain`.
        explore: Add the plan's own std as noise to the first action.
        by: Searches; :func:`search`, or what is compiled of it.
    """
    found = by(model, z, mean, noise, config, prior_weight)
    return exploring(found, noise) if explore else found


def exploring(found: Plan, noise: PlanNoise) -> Plan:
    """Return a plan whose first action has the plan's own std added as noise."""
    first = (found.actions[0] + found.std[0] * noise.action).clamp(-1, 1)
    return replace(found, actions=torch.cat([first.unsqueeze(0), found.actions[1:]]))


def refit(elites: Tensor, weights: Tensor, min_std: float, max_std: float) -> tuple[Tensor, Tensor]:
    """Weighted mean and clamped std of elites [H, E, K, A] with weights [E, K]."""
    w = weights[None, :, :, None]
    mean = (w * elites).sum(2)
    variance = (w * (elites - mean.unsqueeze(2)).square()).sum(2)
    return mean, variance.sqrt().clamp(min_std, max_std)
