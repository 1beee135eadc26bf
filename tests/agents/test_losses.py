"""The joint update against a plain one, and properties the paper states."""

from __future__ import annotations

import copy

import pytest
import torch

from newt_core.agents.newt import losses
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.world_model import WorldModel
from newt_core.replay import Batch
from tests.fixtures.models import batch, model

CONFIG = UpdateConfig(batch_size=10)


def noise_for(m: WorldModel, b: Batch, seed: int = 0) -> losses.UpdateNoise:
    g = torch.Generator().manual_seed(seed)
    return losses.draw_noise(m, b, g, g)


def test_temporal_weights_by_hand() -> None:
    # 1, 1/2, 1/4, 1/8 sum to 15/8.
    weights = losses.temporal_weights(3, 0.5, torch.device("cpu"))
    assert weights.tolist() == pytest.approx([8 / 15, 4 / 15, 2 / 15, 1 / 15])


def test_td_target_takes_the_smaller_of_two_heads_and_the_task_discount() -> None:
    m, b = model(), batch()
    noise = noise_for(m, b)
    bound = m.bind(b.task)
    next_z = bound.encode(b.obs[1:])
    target = losses.td_target(m, bound, next_z, b.reward, noise)
    action = bound.policy(next_z, noise.target).action
    both = bound.q_value(next_z, action, noise.target_heads, target=True)
    discount = torch.tensor([0.95, 0.99, 0.995])[b.task]
    torch.testing.assert_close(target, b.reward + discount * both.min(0).values)


def test_value_scale_by_hand() -> None:
    q = torch.linspace(0, 100, 101)  # P95 - P5 = 90
    assert losses.moved_scale(torch.tensor(1.0), q, 0.01).item() == pytest.approx(1.89)
    narrow = torch.zeros(10)  # never below 1
    assert losses.moved_scale(torch.tensor(1.0), narrow, 0.01).item() == pytest.approx(1.0)


def test_cloning_weighs_tasks_alike_whatever_their_dimensions() -> None:
    m, b = model(), batch()
    z = torch.rand(4, 10, m.size.latent_dim)
    prior = m.bind(b.task).policy(z, torch.zeros(4, 10, 16))
    mask = m.action_mask[b.task]
    rho = torch.tensor([1.0, 0.0, 0.0, 0.0])
    # Replayed actions off by 0.5 in every valid entry: squared error 0.25 for every task.
    off = Batch(b.obs, (prior.action[:-1] + 0.5).detach() * mask, b.reward, b.task)
    assert losses.cloning_loss(prior, off, mask, rho).item() == pytest.approx(0.25, rel=1e-5)


def test_padded_action_entries_change_no_loss() -> None:
    m, b = model(), batch()
    noise = noise_for(m, b)
    loud = copy.copy(noise)
    padding = 1 - m.action_mask[b.task]
    object.__setattr__(loud, "policy", noise.policy + 50 * padding)
    object.__setattr__(loud, "target", noise.target + 50 * padding)
    scale = torch.ones(())
    for a, c in ((noise, loud),):
        first = losses.model_loss(m, m.bind(b.task), b, a, CONFIG)
        second = losses.model_loss(m, m.bind(b.task), b, c, CONFIG)
        assert first.total.item() == second.total.item()
        one = losses.policy_loss(m, first.latents, b, a, scale, CONFIG, bc_coef=1.0)
        two = losses.policy_loss(m, first.latents, b, c, scale, CONFIG, bc_coef=1.0)
        assert one.total.item() == two.total.item()


def test_policy_loss_trains_the_policy_alone() -> None:
    m, b = model(), batch()
    noise = noise_for(m, b)
    latents = losses.model_loss(m, m.bind(b.task), b, noise, CONFIG).latents
    losses.policy_loss(m, latents, b, noise, torch.ones(()), CONFIG, bc_coef=1.0).total.backward()
    trained = {name.split(".")[0] for name, p in m.named_parameters() if p.grad is not None}
    assert trained == {"policy"}
