"""One iteration of planning at a time, with every number worked out in a comment."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import Plan, PlanNoise, plan, refit
from newt_core.planner.prior import constrain

NAN = math.nan


@dataclass
class Sum:
    """One environment, one step: an action a earns 4 a, and what follows is worth ``after``."""

    prior_action: float = 0.0
    after: float = 0.0
    discount: Tensor = field(default_factory=lambda: torch.tensor([0.5]))
    mask: Tensor = field(default_factory=lambda: torch.ones(1, 1))
    broken: float = 2.0
    """An action from here on earns NaN."""

    def prior(self, z: Tensor, noise: Tensor) -> Tensor:
        return torch.full_like(noise, self.prior_action)

    def first_step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        reward = torch.where(action[..., 0] >= self.broken, NAN, 4 * action.sum(-1))
        return reward, z.unsqueeze(1).expand(-1, action.shape[1], -1)

    def step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        raise AssertionError("there is but one step")

    def value(self, z: Tensor, noise: Tensor, heads: Tensor) -> Tensor:
        return torch.full(z.shape[:2], self.after)


def config(samples: int, policy: int, *, iterations: int = 1, elites: int = 2) -> PlannerConfig:
    return PlannerConfig(
        horizon=1,
        num_samples=samples + policy,
        policy_trajectories=policy,
        iterations=iterations,
        num_elites=elites,
    )


def noise(*samples: list[float], policy: int = 0, elites: int = 2, pick: int = 0) -> PlanNoise:
    """Noise that is 0 but for the samples of each iteration and the elite to pick."""
    i, n = len(samples), len(samples[0])
    choice = torch.zeros(1, elites)
    choice[0, pick] = 100.0
    return PlanNoise(
        prior=torch.zeros(1, 1, policy, 1),
        samples=torch.tensor(samples).view(i, 1, 1, n, 1),
        final=torch.zeros(i, 1, n + policy, 1),
        heads=torch.zeros(i, 2, dtype=torch.long),
        choice=choice,
        action=torch.ones(1, 1),
    )


def make(
    model: Sum, noise: PlanNoise, config: PlannerConfig, *, mean: float = 0.0, explore: bool = False
) -> Plan:
    start = torch.full((1, 1, 1), mean)
    return plan(model, torch.zeros(1, 4), start, noise, config, explore=explore)


@pytest.mark.parametrize("pick", [0, 1])
def test_one_iteration_with_two_elites(pick: int) -> None:
    # Mean 0.1 and std 2: noise -0.3, 0, 0.2, 3 draws -0.5, 0.1, 0.5 and 6.1, cut to 1.
    # They earn -2, 0.4, 2, 4; half of 6 follows: 1, 3.4, 5, 7. Elites: 1 and 0.5.
    # Weights 1 and exp(0.5 · (5 - 7)) = 1/e, over their sum: 0.731059 and 0.268941.
    # Mean 0.731059 + 0.5 · 0.268941 = 0.865529.
    # Variance 0.731059 · 0.134471² + 0.268941 · 0.365529² = 0.049153, std 0.221705.
    made = make(Sum(after=6.0), noise([-0.3, 0.0, 0.2, 3.0], pick=pick), config(4, 0), mean=0.1)
    assert made.value.item() == pytest.approx(7.0)
    assert made.mean.item() == pytest.approx(0.865529, abs=1e-6)
    assert made.std.item() == pytest.approx(0.221705, abs=1e-6)
    # What is done is an elite itself: neither the mean nor always the best.
    assert made.actions.item() == pytest.approx([1.0, 0.5][pick])


def test_the_second_iteration_draws_around_the_elites_of_the_first() -> None:
    # First: -0.5, 0.5 and, of both, the elites; they earn -2 and 2, so weights exp(-2) and 1 over
    # 1.135335: 0.119203 and 0.880797. Mean 0.380797, variance 0.119203 · 0.880797 · 1 = 0.104994,
    # std 0.324027. Second: 0.380797 ± 0.324027 = 0.704824 and 0.056770.
    made = make(Sum(), noise([-0.25, 0.25], [1.0, -1.0]), config(2, 0, iterations=2))
    assert made.actions.item() == pytest.approx(0.704824, abs=1e-6)


@pytest.mark.parametrize(("gumbel", "picked"), [(0.9, 1.0), (1.1, 0.5)])
def test_an_elite_is_picked_by_its_weight_and_gumbel_noise(gumbel: float, picked: float) -> None:
    # The elites 1 and 0.5 earn 4 and 2, so that the better one's weight is e times the other's:
    # to be picked, the other needs noise that is larger by 1.
    drawn = replace(noise([-0.3, 0.0, 0.25, 3.0]), choice=torch.tensor([[0.0, gumbel]]))
    assert make(Sum(), drawn, config(4, 0)).actions.item() == picked


def test_values_that_are_not_numbers_count_as_zero() -> None:
    # Noise -0.45, -0.3, -0.05 draws -0.9, -0.6, -0.1, which earn -3.6, -2.4 and, broken, NaN: 0.
    # Of what is 0 and what is -2.4, the elites' weights are 1 and exp(-1.2) = 0.301194, over
    # their sum: 0.768525 and 0.231475. Mean -0.1 · 0.768525 - 0.6 · 0.231475 = -0.215738.
    made = make(Sum(broken=-0.2), noise([-0.45, -0.3, -0.05]), config(3, 0))
    assert made.value.item() == 0.0
    assert made.actions.item() == pytest.approx(-0.1)
    assert made.mean.item() == pytest.approx(-0.215738, abs=1e-6)
    # Beside what earns 4 · 0.1, the NaN of 0.9 is the worse one.
    made = make(Sum(broken=0.5), noise([0.45, 0.05]), config(2, 0, elites=1))
    assert made.actions.item() == pytest.approx(0.1)


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_the_policy_takes_part_in_every_iteration(iterations: int) -> None:
    # Samples lie one and two stds below the mean; the policy's 0.75 is the best to the last.
    settings = config(2, 1, iterations=iterations, elites=1)
    drawn = noise(*[[-1.0, -2.0]] * iterations, policy=1, elites=1)
    made = make(Sum(prior_action=0.75), drawn, settings)
    assert (made.actions.item(), made.mean.item()) == (0.75, 0.75)
    assert made.value.item() == 3.0


def test_only_exploring_adds_the_plans_std_to_what_is_done() -> None:
    # The elites 0.5 and 0.1 earn 2 and 0.4: weights 0.689974 and 0.310026, variance
    # 0.689974 · 0.310026 · 0.4² = 0.034225, std 0.185000. The noise is 1.
    drawn = noise([0.25, 0.05])
    still, moved = (make(Sum(), drawn, config(2, 0), explore=on) for on in (False, True))
    assert still.actions.item() == pytest.approx(0.5)
    assert moved.actions.item() == pytest.approx(0.685, abs=1e-5)
    assert (still.mean.item(), still.std.item()) == (moved.mean.item(), moved.std.item())
    # Beyond 1 it is cut.
    far = make(Sum(), replace(drawn, action=torch.full((1, 1), 9.0)), config(2, 0), explore=True)
    assert far.actions.item() == 1.0


def test_what_a_task_does_not_use_is_exactly_zero() -> None:
    model = Sum(mask=torch.tensor([[1.0, 0.0]]))
    drawn = noise([0.25, 0.05])
    wide = replace(
        drawn,
        prior=drawn.prior.expand(-1, -1, -1, 2),
        samples=drawn.samples.expand(-1, -1, -1, -1, 2),
        final=drawn.final.expand(-1, -1, -1, 2),
        action=drawn.action.expand(-1, 2),
    )
    # The warm start is of a task that uses both entries. The reward adds both: 0 is what counts.
    made = plan(
        model, torch.zeros(1, 4), torch.full((1, 1, 2), 0.1), wide, config(2, 0), explore=True
    )
    assert made.actions[..., 1].item() == made.mean[..., 1].item() == made.std[..., 1].item() == 0.0
    assert made.value.item() == pytest.approx(4 * 0.6)


@pytest.mark.parametrize(
    ("weight", "mean", "std"),
    # The policy's actions 0.2, 0.4, 0.9: mean 0.5; squares 0.09 + 0.01 + 0.16 = 0.26, over 2: std
    # 0.360555. The warm start is 0.1 with std 2. A quarter: 0.2 and 0.25 · 0.360555 + 1.5.
    [(0.0, 0.1, 2.0), (0.25, 0.2, 1.590139), (1.0, 0.5, 0.360555)],
)
def test_constraint_by_hand(weight: float, mean: float, std: float) -> None:
    actions = torch.tensor([0.2, 0.4, 0.9]).view(1, 1, 3, 1)
    start, wide = torch.full((1, 1, 1), 0.1), torch.full((1, 1, 1), 2.0)
    found = constrain(start, wide, actions, weight, min_std=0.05, max_std=2.0)
    assert [x.item() for x in found] == pytest.approx([mean, std], abs=1e-6)


def test_the_policys_std_is_kept_within_bounds() -> None:
    start, wide = torch.zeros(1, 1, 1), torch.full((1, 1, 1), 2.0)
    same = torch.full((1, 1, 3, 1), 0.4)
    _, least = constrain(start, wide, same, 1.0, min_std=0.05, max_std=2.0)
    assert least.item() == pytest.approx(0.05)
    apart = torch.tensor([-1.0, 1.0]).view(1, 1, 2, 1)  # std √2
    _, most = constrain(start, wide, apart, 1.0, min_std=0.05, max_std=0.7)
    assert most.item() == pytest.approx(0.7)


def test_the_refitted_std_is_kept_within_bounds() -> None:
    apart = torch.tensor([-1.0, 1.0]).view(1, 1, 2, 1)  # equal weights: std 1
    half = torch.tensor([[0.5, 0.5]])
    assert refit(apart, half, 0.05, 2.0)[1].item() == pytest.approx(1.0)
    assert refit(apart, half, 0.05, 0.7)[1].item() == pytest.approx(0.7)
    assert refit(0 * apart, half, 0.05, 2.0)[1].item() == pytest.approx(0.05)
