"""A state model that is given sight computes what it did before, and can learn to look."""

from __future__ import annotations

import pytest
import torch

from newt_core.errors import CheckpointError
from newt_core.model.widen import widened_weights
from newt_core.model.world_model import WorldModel
from tests.fixtures.models import TINY, batch, model, normal, table


@pytest.mark.parametrize("feature_stack", [1, 3])
def test_the_output_is_exactly_the_same_at_the_start(feature_stack: int):
    blind, b = model(), batch()
    seeing = WorldModel(TINY, table(), feature_stack=feature_stack)
    seeing.load_state_dict(widened_weights(blind.state_dict(), seeing))
    image = 10 * normal(4, 10, feature_stack * 768).half()
    before, after = blind.encode(b.obs, b.task), seeing.encode(b.obs, b.task, image)
    assert torch.equal(before, after)
    noise = normal(4, 10, 16)
    act = [m.bind(b.task).policy(before, noise).action for m in (blind, seeing)]
    assert torch.equal(*act)

    after.square().sum().backward()
    gradient = seeing.encoder.first.linear.weight.grad
    assert gradient is not None
    assert float(gradient[:, -feature_stack * 768 :].abs().max()) > 0


def test_a_model_that_sees_already_is_taken_as_it_is():
    seeing = WorldModel(TINY, table(), feature_stack=2)
    weights = seeing.state_dict()
    assert widened_weights(weights, seeing).keys() == weights.keys()


def test_what_cannot_be_widened_is_refused():
    one, two = (
        WorldModel(TINY, table(), feature_stack=1),
        WorldModel(TINY, table(), feature_stack=2),
    )
    pictures_only = WorldModel(TINY, table(), state=False, feature_stack=1)
    for weights, target in ((one, two), (two, one), (model(), pictures_only), (one, model())):
        with pytest.raises(CheckpointError, match="--obs both"):
            widened_weights(weights.state_dict(), target)
