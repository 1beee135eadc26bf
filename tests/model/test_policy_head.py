"""The squashed Gaussian against PyTorch's distributions."""

from __future__ import annotations

import torch
from torch.distributions import Normal, TanhTransform, TransformedDistribution

from newt_core.model.policy_head import act, gaussian_parameters, sample
from tests.fixtures.models import normal


def test_entropy_estimate_is_the_scaled_log_probability_of_a_tanh_normal() -> None:
    raw, noise = normal(50, 32), normal(50, 16, seed=1)
    raw[:, 16:] = 1.0 + 0.1 * raw[:, 16:]
    mask = torch.zeros(50, 16)
    mask[:, :3] = 1
    drawn = sample(raw, mask, noise)
    mean, log_std = gaussian_parameters(raw, mask)
    squashed = TransformedDistribution(Normal(mean, log_std.exp()), [TanhTransform()])
    log_probability = (squashed.log_prob(drawn.action) * mask).sum(-1)
    saturated = (drawn.action.abs() > 0.99).any(-1)
    # "Scaled": times the three valid entries.
    torch.testing.assert_close(
        drawn.scaled_entropy("squashed")[~saturated],
        -3 * log_probability[~saturated],
        atol=1e-2,
        rtol=1e-3,
    )


def test_by_default_the_squash_is_left_out_and_the_mean_gets_no_gradient() -> None:
    g = torch.Generator().manual_seed(0)
    raw = torch.randn(50, 32, generator=g).requires_grad_()
    noise = torch.randn(50, 16, generator=g)
    mask = torch.zeros(50, 16)
    mask[:, :3] = 1
    drawn = sample(raw, mask, noise)
    entropy = drawn.scaled_entropy("gaussian")
    mean, log_std = gaussian_parameters(raw, mask)
    before_squash = mean + noise * mask * log_std.exp()
    log_density = (Normal(mean, log_std.exp()).log_prob(before_squash) * mask).sum(-1)
    torch.testing.assert_close(entropy, -3 * log_density, atol=1e-3, rtol=1e-4)
    (gradient,) = torch.autograd.grad(entropy.sum(), raw)
    assert (gradient[:, :16] == 0).all()
    assert (gradient[:, 16:19] > 0).all()
    assert (gradient[:, 19:] == 0).all()


def test_log_std_lies_between_its_bounds() -> None:
    raw = torch.cat([torch.zeros(1, 16), torch.tensor([[-1e6] * 8 + [1e6] * 8])], dim=-1)
    _, log_std = gaussian_parameters(raw, torch.ones(1, 16))
    assert log_std.min().item() == -10.0
    assert log_std.max().item() == 2.0


def test_act_is_sample_without_the_entropy() -> None:
    raw, noise, mask = normal(5, 32), normal(5, 16, seed=1), torch.ones(5, 16)
    torch.testing.assert_close(act(raw, mask, noise), sample(raw, mask, noise).action)
