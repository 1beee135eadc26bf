"""Dropout in the Q heads' first layer, and networks without a text."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from newt_core.agents.newt import losses
from newt_core.agents.newt.config import UpdateConfig
from newt_core.model.sizes import SIZES
from newt_core.model.world_model import TaskTable, WorldModel
from newt_core.types import ACTION_DIM
from tests.fixtures.models import TINY, batch, model, normal, table


def with_dropout(share: float) -> WorldModel:
    made = model()
    made.q.dropout = share
    return made


def noise_of(made: WorldModel, seed: int = 0) -> losses.UpdateNoise:
    generators = (torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed))
    return losses.draw_noise(made, batch(), *generators)


def test_a_mask_keeps_the_mean_and_covers_every_head_step_and_row():
    noise = noise_of(with_dropout(0.25))
    value, policy = noise.value_dropout, noise.policy_dropout
    assert value is not None
    assert policy is not None
    assert value.shape == (TINY.num_q, 3, 10, TINY.mlp_dim)
    assert policy.shape == (2, 4, 10, TINY.mlp_dim)
    assert value.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert float(value.mean()) == pytest.approx(1.0, abs=0.05)
    assert float((value == 0).float().mean()) == pytest.approx(0.25, abs=0.04)


def test_without_dropout_nothing_is_drawn_for_it():
    plain = noise_of(model())
    assert plain.value_dropout is None
    assert plain.policy_dropout is None
    # What comes before it in an update is drawn as it always was.
    torch.testing.assert_close(plain.target, noise_of(with_dropout(0.5)).target, rtol=0, atol=0)


def test_it_acts_on_the_first_layer_before_its_norm():
    made = model()
    q, text, task = made.q, made.text, torch.tensor([0, 2])
    z, action = normal(2, TINY.latent_dim, seed=1), normal(2, ACTION_DIM, seed=2)
    mask = 2.0 * (torch.rand(TINY.num_q, 2, TINY.mlp_dim, generator=torch.Generator()) > 0.5)
    logits = q.bind(text, task)(z, action, mask)
    for head in range(TINY.num_q):
        x = F.linear(torch.cat([z, text[task], action], -1), q.weight_0[head], q.bias_0[head])
        x = F.layer_norm(x * mask[head], x.shape[-1:], q.scale_0[head], q.shift_0[head])
        x = F.linear(F.mish(x), q.weight_1[head], q.bias_1[head])
        x = F.mish(F.layer_norm(x, x.shape[-1:], q.scale_1[head], q.shift_1[head]))
        expected = F.linear(x, q.weight_2[head], q.bias_2[head])
        torch.testing.assert_close(logits[head], expected, rtol=1e-4, atol=1e-5)


def test_both_losses_feel_it_and_targets_do_not():
    made = with_dropout(0.5)
    noise, data, config = noise_of(made), batch(), UpdateConfig()
    none = replace(noise, value_dropout=None, policy_dropout=None)
    bound = made.bind(data.task)

    def value(of: losses.UpdateNoise) -> float:
        return float(losses.model_loss(made, bound, data, of, config).metrics["loss/value"])

    def policy(of: losses.UpdateNoise) -> float:
        z = losses.model_loss(made, bound, data, none, config).latents
        loss = losses.policy_loss(made, z, data, of, torch.ones(()), config, bc_coef=0.0)
        return float(loss.total.detach())

    assert value(noise) != value(none) == value(replace(none, policy_dropout=noise.policy_dropout))
    assert policy(noise) != policy(none) == policy(replace(none, value_dropout=noise.value_dropout))
    next_z = bound.encode(data.obs[1:])
    first, second = (losses.td_target(made, bound, next_z, data.reward, n) for n in (noise, none))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def count(part: nn.Module) -> int:
    return sum(weights.numel() for weights in part.parameters())


def without_text(size: str) -> WorldModel:
    one = table()
    return WorldModel(
        SIZES[size], TaskTable(one.text[:, :0], one.action_mask, one.discount), q_dropout=0.01
    )


def test_networks_without_a_text_have_no_columns_for_one():
    large = without_text("20M")
    # Behaviour cloning on one task, without text: 3,323,424 parameters.
    assert (count(large.encoder), count(large.policy)) == (1_711_616, 1_611_808)
    made = without_text("5M")
    parts = [count(part) for part in (made.encoder, made.dynamics, made.reward, made.policy)]
    # TD-MPC2's "5M" for 128 state and 16 action entries, layer by layer: a layer of n to m has
    # (n + 1) m parameters, its norm 2 m.
    assert parts == [
        129 * 256 + 2 * 256 + 257 * 512 + 2 * 512,
        529 * 512 + 2 * 512 + 513 * 512 + 2 * 512 + 513 * 512 + 2 * 512,
        529 * 512 + 2 * 512 + 513 * 512 + 2 * 512 + 513 * 101,
        513 * 512 + 2 * 512 + 513 * 512 + 2 * 512 + 513 * 32,
    ]
    assert count(made.q) == 5 * parts[2]
    assert sum(parts) + count(made.q) == 5_033_342
