"""The planner on arithmetic whose best plan is known."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import draw_plan_noise, plan, refit, warm_start
from newt_core.planner.prior import constrain, constraint_weight

CONFIG = PlannerConfig(num_samples=128, policy_trajectories=8, num_elites=16, iterations=8)


@dataclass
class Bandit:
    """Reward 1 - |a - goal|² at every step; the latent counts nothing and the value is zero."""

    goal: Tensor
    """[E, A]."""
    mask: Tensor
    discount: Tensor

    def prior(self, z: Tensor, noise: Tensor) -> Tensor:
        return torch.tanh(0.1 * noise) * self.mask.unsqueeze(1)

    def step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - (action - self.goal.unsqueeze(1)).square().sum(-1), z

    def first_step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        latent = z.unsqueeze(1).expand(-1, action.shape[1], -1)
        return self.step(latent, action)

    def value(self, z: Tensor, noise: Tensor, heads: Tensor) -> Tensor:
        return torch.zeros(z.shape[:2])


def bandit() -> Bandit:
    goal = torch.tensor([[0.5, -0.25], [-0.8, 0.0], [0.1, 0.9]])
    mask = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return Bandit(goal, mask, torch.full((3,), 0.9))


def run(model: Bandit, horizon: int = 3, seed: int = 0, **options: object) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    noise = draw_plan_noise(
        CONFIG,
        3,
        2,
        3,
        horizon=horizon,
        device=torch.device("cpu"),
        generator=g,
        cpu_generator=g,
    )
    mean = torch.zeros(horizon, 3, 2)
    return plan(model, torch.zeros(3, 4), mean, noise, CONFIG, **options).actions  # type: ignore[arg-type]


@pytest.mark.parametrize("horizon", [1, 3, 12])
def test_finds_the_known_best_plan(horizon: int) -> None:
    model = bandit()
    # Twelve steps are harder to sample than three: the search gets less far.
    tolerance = 0.1 if horizon <= 3 else 0.45
    actions = run(model, horizon)
    assert actions.shape == (horizon, 3, 2)
    assert float((actions[0] - model.goal).abs().max()) < tolerance


def test_masked_entries_stay_exactly_zero() -> None:
    assert float(run(bandit(), explore=True)[:, 1, 1].abs().max()) == 0.0


def test_environments_do_not_influence_each_other() -> None:
    model, changed = bandit(), bandit()
    changed.goal = model.goal.clone()
    changed.goal[2] = torch.tensor([-0.9, -0.9])
    torch.testing.assert_close(run(model)[:, :2], run(changed)[:, :2], atol=0, rtol=0)


def test_exploration_moves_only_the_first_action() -> None:
    quiet, loud = run(bandit()), run(bandit(), explore=True)
    assert not torch.equal(quiet[0], loud[0])
    assert torch.equal(quiet[1:], loud[1:])
    assert float(loud.abs().max()) <= 1.0


def test_full_constraint_starts_from_the_policy() -> None:
    # The policy acts near 0 with std 0.1; one iteration cannot get far from it.
    near = PlannerConfig(num_samples=64, policy_trajectories=16, num_elites=8, iterations=1)
    g = torch.Generator().manual_seed(0)
    model = bandit()
    model.goal[:] = 1.0
    noise = draw_plan_noise(
        near, 3, 2, 3, horizon=3, device=torch.device("cpu"), generator=g, cpu_generator=g
    )
    mean = torch.zeros(3, 3, 2)
    free = plan(model, torch.zeros(3, 4), mean, noise, near, prior_weight=0.0)
    tied = plan(model, torch.zeros(3, 4), mean, noise, near, prior_weight=1.0)
    assert float(tied.actions.max()) < 0.5 < float(free.actions.max())


def test_broken_model_values_are_ignored() -> None:
    model = bandit()
    step = model.step

    def broken(z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        reward, z = step(z, action)
        return torch.where(action[..., 0] > 0.7, torch.nan, reward + 10), z

    model.step = broken  # type: ignore[method-assign]
    assert bool(torch.isfinite(run(model)).all())
    assert float((run(model)[0, 0] - model.goal[0]).abs().max()) < 0.15


def test_warm_start_shifts_and_forgets() -> None:
    previous = torch.arange(6.0).view(3, 2, 1)  # environment 0: 0, 2, 4; environment 1: 1, 3, 5
    shifted = warm_start(previous, torch.tensor([False, True]))
    assert shifted[:, 0, 0].tolist() == [2, 4, 0]
    assert shifted[:, 1, 0].tolist() == [0, 0, 0]


def test_refit_by_hand() -> None:
    # Two elites 0 and 1 with weights 0.25, 0.75: mean 0.75, variance 0.25·0.5625 + 0.75·0.0625
    # = 0.1875, std 0.433.
    elites = torch.tensor([0.0, 1.0]).view(1, 1, 2, 1)
    mean, std = refit(elites, torch.tensor([[0.25, 0.75]]), 0.05, 2.0)
    assert mean.item() == pytest.approx(0.75)
    assert std.item() == pytest.approx(0.4330127)
    _, floor = refit(elites, torch.tensor([[1.0, 0.0]]), 0.05, 2.0)
    assert floor.item() == pytest.approx(0.05)


def test_constraint_annealing_of_the_paper() -> None:
    weights = [constraint_weight(p, 0.02, 0.12) for p in (0.0, 0.02, 0.07, 0.12, 1.0)]
    assert weights == pytest.approx([1.0, 1.0, 0.5, 0.0, 0.0])
    mean, std = constrain(
        torch.zeros(1, 1, 1),
        torch.full((1, 1, 1), 2.0),
        torch.tensor([0.4, 0.6]).view(1, 1, 2, 1),
        0.5,
        min_std=0.05,
        max_std=2.0,
    )
    # Policy mean 0.5; std √(2 · 0.1² / (2 - 1)) = 0.1414; halfway from mean 0 and std 2.
    assert (mean.item(), std.item()) == pytest.approx((0.25, 1.0 + 0.1 / 2**0.5))


def test_a_single_policy_trajectory_has_the_smallest_std() -> None:
    one = torch.tensor([0.4]).view(1, 1, 1, 1)
    zero, two = torch.zeros(1, 1, 1), torch.full((1, 1, 1), 2.0)
    mean, std = constrain(zero, two, one, 1.0, min_std=0.05, max_std=2.0)
    assert (mean.item(), std.item()) == pytest.approx((0.4, 0.05))
