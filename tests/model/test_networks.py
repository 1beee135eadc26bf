"""The networks have the published shapes and compute what a plain MLP would."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from newt_core.model.config import EntropyKind
from newt_core.model.count import count_parameters
from newt_core.model.q_ensemble import draw_heads
from newt_core.model.sizes import SIZES
from newt_core.model.world_model import WorldModel
from tests.fixtures.models import TINY, batch, model, normal, table, uniform
from tests.reference.networks import mlp, q_logits


def test_parameter_counts_of_the_paper() -> None:
    assert count_parameters("20M") == {
        "encoder": 2_235_904,
        "dynamics": 2_645_504,
        "reward": 2_223_205,
        "policy": 2_136_096,
        "q": 11_116_025,
    }


def test_encoder_with_image_has_the_published_count() -> None:
    assert count_parameters("20M", feature_stack=1)["encoder"] == 3_022_336
    # Each further feature, and leaving the state out, changes the first layer's columns alone.
    assert count_parameters("20M", feature_stack=3)["encoder"] == 3_022_336 + 2 * 768 * 1_024
    blind = count_parameters("20M", state=False, feature_stack=1)
    assert blind["encoder"] == 3_022_336 - 128 * 1_024
    assert {**blind, "encoder": 0} == {**count_parameters("20M"), "encoder": 0}


@pytest.mark.parametrize(
    ("size", "total"), [("2M", 2_143_284), ("5M", 7_261_566), ("20M", 20_356_734)]
)
def test_size_names_say_the_order_of_the_total(size: str, total: int) -> None:
    # By hand for 2M: encoder 640·128 + 3·128 + 128·384 + 3·384 = 132,608 and so on.
    assert sum(count_parameters(size).values()) == total


@pytest.mark.parametrize("part", ["encoder", "dynamics", "reward", "policy"])
def test_fused_input_equals_concatenation(part: str) -> None:
    m, b = model(), batch()
    network = getattr(m, part)
    x = b.obs[0] if part == "encoder" else uniform(10, m.size.latent_dim)
    extra = b.action[0] if part in ("dynamics", "reward") else None
    text = m.text[b.task]
    plain = mlp(network, torch.cat([x, text] + ([extra] if extra is not None else []), -1))
    torch.testing.assert_close(network.bind(m.text, b.task)(x, extra), plain, atol=1e-5, rtol=0)
    torch.testing.assert_close(network(x, text, extra), plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("state", "feature_stack"), [(True, 1), (True, 2), (False, 1)])
def test_an_encoder_with_features_equals_concatenation(state: bool, feature_stack: int) -> None:
    m, b = model(state=state, feature_stack=feature_stack), batch(feature_stack=feature_stack)
    assert b.features is not None
    text = m.text[b.task].expand(4, -1, -1)
    inputs = [b.obs] * state + [text, b.features.float()]
    plain = mlp(m.encoder, torch.cat(inputs, -1))
    torch.testing.assert_close(m.encode(b.obs, b.task, b.features), plain, atol=1e-5, rtol=0)


def test_a_model_of_pictures_alone_does_not_look_at_the_state() -> None:
    m, b = model(state=False, feature_stack=1), batch(feature_stack=1)
    z = m.encode(b.obs, b.task, b.features)
    assert torch.equal(z, m.encode(torch.full_like(b.obs, torch.nan), b.task, b.features))


def test_features_that_are_missing_or_too_many_are_noticed() -> None:
    with pytest.raises(ValueError, match="768 entries"):
        model(feature_stack=1).encode(batch().obs, batch().task)
    with pytest.raises(ValueError, match="0 entries"):
        model().encode(batch().obs, batch().task, batch(feature_stack=1).features)


def test_chosen_heads_equal_those_of_the_whole_ensemble() -> None:
    m, b = model(), batch()
    z = uniform(3, 10, m.size.latent_dim)
    everything = q_logits(m.q, torch.cat([z, m.text[b.task].expand(3, -1, -1), b.action], -1))
    bound = m.bind(b.task)
    torch.testing.assert_close(bound.q_heads()(z, b.action), everything, atol=1e-5, rtol=0)
    heads = torch.tensor([2, 0])
    chosen = bound.q_heads(heads)(z, b.action)
    torch.testing.assert_close(chosen, everything[heads], atol=1e-5, rtol=0)


def test_drawn_heads_differ_and_all_pairs_occur() -> None:
    g = torch.Generator().manual_seed(0)
    pairs = {tuple(sorted(draw_heads(3, g).tolist())) for _ in range(100)}
    assert pairs == {(0, 1), (0, 2), (1, 2)}


def test_latents_lie_on_simplices() -> None:
    m, b = model(), batch()
    z = m.encode(b.obs[0], b.task)
    groups = z.view(10, -1, 8)
    assert bool((groups >= 0).all())
    torch.testing.assert_close(groups.sum(-1), torch.ones(10, 2))


def test_reward_and_values_start_at_zero() -> None:
    m, b = WorldModel(TINY, table()), batch()
    z = m.encode(b.obs[0], b.task).detach()
    m.requires_grad_(False)
    assert float(m.bind(b.task).q_value(z, b.action[0], torch.tensor([0, 1])).abs().max()) < 1e-5
    assert float(m.bind(b.task).reward_logits(z, b.action[0]).abs().max()) == 0.0


def test_hidden_layers_start_with_a_std_of_one_fiftieth() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        m = WorldModel(SIZES["2M"], table())
    matrices = {n: p.detach() for n, p in m.named_parameters() if "weight" in n and p.ndim > 1}
    drawn = {name: weight for name, weight in matrices.items() if float(weight.abs().sum()) > 0}
    assert {name.split(".")[0] for name in drawn} == {
        "encoder", "dynamics", "reward", "policy", "q", "target_q",
    }  # fmt: skip
    for name, weight in drawn.items():
        assert float(weight.std()) == pytest.approx(0.02, rel=0.03), name
        # Cut at two stds, nothing would lie beyond 0.04.
        assert float((weight.abs() > 0.04).float().mean()) == pytest.approx(0.0455, rel=0.15), name


def test_padded_action_entries_change_nothing_that_is_masked() -> None:
    m, b = model(), batch()
    z = uniform(10, m.size.latent_dim)
    noise = normal(10, 16)
    loud = noise + 100 * (1 - m.action_mask[b.task])
    quiet, noisy = m.bind(b.task).policy(z, noise), m.bind(b.task).policy(z, loud)
    torch.testing.assert_close(quiet.action, noisy.action)
    for kind in get_args(EntropyKind):
        torch.testing.assert_close(quiet.scaled_entropy(kind), noisy.scaled_entropy(kind))
    assert float((quiet.action * (1 - m.action_mask[b.task])).abs().max()) == 0.0
