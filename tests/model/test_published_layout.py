"""Where the published tensors go: the layers of a deep encoder, and widths that are padded."""

from __future__ import annotations

import torch

from newt_core.model.published import Layout, find_layout, from_published, published_shapes


def test_layers_go_to_their_places_in_order():
    layout = Layout("20M", state=30, text=True, action=7, features=0)
    weights = {
        name: torch.tensor(float(number)).expand(shape)
        for number, (name, shape) in enumerate(published_shapes(layout).items(), 1)
    }
    assert find_layout(weights) == layout
    ours = from_published(weights, layout)
    for there, here in (
        ("_encoder.state.0.bias", "encoder.first.linear.bias"),
        ("_encoder.state.1.weight", "encoder.middle.0.linear.weight"),
        ("_encoder.state.1.ln.weight", "encoder.middle.0.ln.weight"),
        ("_encoder.state.2.ln.bias", "encoder.output.ln.bias"),
        ("_dynamics.1.bias", "dynamics.middle.0.linear.bias"),
        ("_reward.2.weight", "reward.output.weight"),
    ):
        assert (ours[here] == weights[there].flatten()[0]).all(), there
    for head in range(5):
        scale = weights[f"_Qs.target._Qs.{head}.1.ln.weight"]
        assert torch.equal(ours["target_q.scale_1"][head], scale)


def test_what_is_missing_to_our_widths_is_zero():
    layout = Layout("2M", state=30, text=False, action=7, features=0)
    weights = {name: torch.ones(shape) for name, shape in published_shapes(layout).items()}
    ours = from_published(weights, layout)
    used = ours["encoder.first.linear.weight"][0].nonzero().flatten()
    assert used.tolist() == list(range(30))
    used = ours["dynamics.first.linear.weight"][0].nonzero().flatten()
    assert used.tolist() == [*range(384), *range(384 + 512, 384 + 512 + 7)]
    used = ours["policy.output.bias"].nonzero().flatten()
    assert used.tolist() == [*range(7), *range(16, 16 + 7)]
