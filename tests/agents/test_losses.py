"""What the losses do not depend on."""

from __future__ import annotations

import copy

import pytest
import torch

from newt_core.agents.newt import losses
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.world_model import WorldModel
from newt_core.replay import Batch
from tests.fixtures.models import batch, model, uniform

CONFIG = UpdateConfig(batch_size=10)


def noise_for(m: WorldModel, b: Batch, seed: int = 0) -> losses.UpdateNoise:
    g = torch.Generator().manual_seed(seed)
    return losses.draw_noise(m, b, g, g)


def test_cloning_weighs_tasks_alike_whatever_their_dimensions() -> None:
    m, b = model(), batch()
    z = uniform(4, 10, m.size.latent_dim)
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
