"""Losses whose every number is worked out in a comment."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import pytest
import torch

from newt_core.agents.newt import losses
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.model.config import EntropyKind
from newt_core.model.policy_head import PolicySample
from newt_core.model.world_model import WorldModel
from newt_core.replay import Batch
from tests.fixtures.models import batch, give_values, model, uniform

ONE, TWO, THREE, FOUR = (math.expm1(k) for k in (1, 2, 3, 4))
"""1.718, 6.389, 19.086 and 53.598: a bin stands for each."""


def noise_for(m: WorldModel, b: Batch, heads: tuple[int, int]) -> losses.UpdateNoise:
    g = torch.Generator().manual_seed(0)
    pair = torch.tensor(heads)
    return replace(losses.draw_noise(m, b, g, g), target_heads=pair, policy_heads=pair)


def test_temporal_weights_are_shared_among_one_more_step_than_there_are_actions() -> None:
    # 1 + 0.5 = 3/2 and 1 + 0.9 + 0.81 = 2.71.
    half = losses.temporal_weights(1, 0.5, torch.device("cpu"))
    assert half.tolist() == pytest.approx([2 / 3, 1 / 3])
    slow = losses.temporal_weights(2, 0.9, torch.device("cpu"))
    assert slow.tolist() == pytest.approx([1 / 2.71, 0.9 / 2.71, 0.81 / 2.71])


@pytest.mark.parametrize(
    ("heads", "smaller"), [((0, 1), TWO), ((1, 0), TWO), ((0, 2), ONE), ((1, 2), ONE)]
)
def test_targets_bootstrap_from_the_smaller_of_two_target_heads(
    heads: tuple[int, int], smaller: float
) -> None:
    m, b = model(), batch(3)
    give_values(m.q, [FOUR, FOUR, FOUR])
    give_values(m.target_q, [TWO, THREE, ONE])
    noise = noise_for(m, b, heads)
    bound = m.bind(b.task)
    target = losses.td_target(m, bound, bound.encode(b.obs[1:]), b.reward, noise)
    # The three rows are of the three tasks. Every step bootstraps, the last one as well.
    for row, discount in enumerate((0.95, 0.99, 0.995)):
        for t in range(3):
            expected = b.reward[t, row].item() + discount * smaller
            assert target[t, row].item() == pytest.approx(expected, rel=1e-5)


def test_the_policy_loss_divides_the_mean_of_two_online_heads_by_the_moved_scale() -> None:
    m, b = model(), batch(3)
    give_values(m.q, [ONE, TWO, THREE])
    give_values(m.target_q, [FOUR, FOUR, FOUR])
    config = UpdateConfig(entropy_coef=0.0, scale_ema=0.25)
    noise, latents = noise_for(m, b, (0, 2)), uniform(4, 3, m.size.latent_dim)
    scale = torch.tensor(5.0)
    loss = losses.policy_loss(m, latents, b, noise, scale, config, bc_coef=0.0)
    # All rows are worth the same: their spread is 0, which counts as 1. Scale: 5 - 0.25 · 4 = 4.
    assert loss.scale.item() == pytest.approx(4.0)
    # The four steps' weights sum to 1.
    assert loss.total.item() == pytest.approx(-(ONE + THREE) / 2 / 4.0, rel=1e-5)


def test_the_scale_follows_the_spread_between_two_percentiles() -> None:
    # 0, 1, 4, 9 … 400: P5 = 1 and P95 = 361.
    squares = torch.arange(21.0).square()
    assert losses.value_spread(squares).item() == pytest.approx(360)
    # 0.1 apart and less: 1 counts instead.
    assert losses.value_spread(torch.linspace(0, 0.1, 21)).item() == 1


def sample(action: torch.Tensor, mask: torch.Tensor) -> PolicySample:
    nothing = torch.zeros_like(action)
    return PolicySample(action, action, nothing, nothing, mask)


def test_cloning_is_a_mean_over_valid_entries_then_rows() -> None:
    # Two steps of two rows; the first row's task has one valid entry, the second's two.
    mask = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    replayed = torch.zeros(2, 2, 2)
    acted = torch.tensor(
        [
            [[0.4, 0.9], [0.1, 0.3]],  # 0.16; (0.01 + 0.09) / 2 = 0.05; their mean 0.105
            [[-0.2, 0.9], [0.0, -0.6]],  # 0.04; 0.36 / 2 = 0.18; their mean 0.11
            [[9.0, 9.0], [9.0, 9.0]],  # nothing was replayed at the last step
        ]
    )
    b = Batch(torch.zeros(3, 2, 128), replayed, torch.zeros(2, 2), torch.tensor([0, 1]))
    rho = torch.tensor([0.5, 0.3, 0.2])
    # 0.5 · 0.105 + 0.3 · 0.11
    assert losses.cloning_loss(sample(acted, mask), b, mask, rho).item() == pytest.approx(0.0855)


@pytest.mark.parametrize(
    ("kind", "expected"),
    # Of two valid entries with noise 0 and 1, std 1 and e², actions 0 and 0.8. Minus the
    # log-densities: 0.918939, and 0.918939 + 0.5 + 2. Their sum, times two entries: 8.675754.
    # The squash adds ln 1 and ln 0.36 = -1.021651, times two.
    [("gaussian", 8.675754), ("squashed", 6.632452)],
)
def test_scaled_entropy_by_hand(kind: EntropyKind, expected: float) -> None:
    drawn = PolicySample(
        action=torch.tensor([0.0, 0.8, 0.0]),
        mean=torch.zeros(3),
        log_std=torch.tensor([0.0, 2.0, -5.0]),
        noise=torch.tensor([0.0, 1.0, 0.0]),
        mask=torch.tensor([1.0, 1.0, 0.0]),
    )
    assert drawn.scaled_entropy(kind).item() == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("kind", get_args(EntropyKind))
def test_entropy_is_part_of_both_policy_losses(kind: EntropyKind) -> None:
    m, b = model(), batch(3)
    noise, latents = noise_for(m, b, (0, 1)), uniform(4, 3, m.size.latent_dim)
    entropy = m.bind(b.task).policy(latents, noise.policy).scaled_entropy(kind).mean(1)
    # Weights 8, 4, 2 and 1 of 15.
    expected = sum(w * e.item() for w, e in zip((8, 4, 2, 1), entropy, strict=True)) / 15
    config = UpdateConfig(entropy_coef=2.0, entropy=kind)
    joint = losses.joint_policy_loss(m, latents, b, noise, config, bc_coef=0.0)
    assert joint.total.item() == pytest.approx(-2 * expected, rel=1e-4)
    one = torch.ones(())
    with_it = losses.policy_loss(m, latents, b, noise, one, config, bc_coef=0.0).total
    without = losses.policy_loss(
        m, latents, b, noise, one, config.model_copy(update={"entropy_coef": 0.0}), bc_coef=0.0
    ).total
    assert (with_it - without).item() == pytest.approx(-2 * expected, rel=1e-4)


def test_nothing_but_the_policy_learns_from_its_loss() -> None:
    m, b = model(), batch()
    noise = noise_for(m, b, (0, 1))
    latents = losses.model_loss(m, m.bind(b.task), b, noise, UpdateConfig()).latents
    latents.retain_grad()
    loss = losses.policy_loss(m, latents, b, noise, torch.ones(()), UpdateConfig(), bc_coef=1.0)
    loss.total.backward()
    assert latents.grad is None
    touched = {name for name, p in m.named_parameters() if p.grad is not None}
    assert touched == {f"policy.{name}" for name, _ in m.policy.named_parameters()}


def test_the_value_reaches_the_policy_through_the_action() -> None:
    m, b = model(), batch()
    noise, latents = noise_for(m, b, (0, 1)), uniform(4, 10, m.size.latent_dim)
    config = UpdateConfig(entropy_coef=0.0)
    losses.policy_loss(m, latents, b, noise, torch.ones(()), config, bc_coef=0.0).total.backward()
    gradient = m.policy.output.weight.grad
    assert isinstance(gradient, torch.Tensor)
    # Of means and of log-stds; the widest task uses six entries, the others none.
    assert gradient.abs().sum(1).nonzero().flatten().tolist() == [*range(6), *range(16, 22)]


def test_an_update_moves_the_scale_before_it_divides_by_it() -> None:
    m, b = model(), batch()
    give_values(m.q, [TWO, TWO, TWO])
    config = UpdateConfig(entropy_coef=0.0, value_coef=0.0, scale_ema=0.5)
    learner = Learner(m, config)
    learner.scale = torch.tensor(3.0)
    metrics = learner.update(b)
    # Halfway from 3 to 1.
    assert learner.scale.item() == pytest.approx(2.0)
    assert metrics["value/scale"].item() == pytest.approx(2.0)
    assert metrics["loss/policy"].item() == pytest.approx(-TWO / 2.0, rel=1e-4)
