"""Losses and updates equal those of the plain reference, in float64 and with the same noise.

In float64, because Adam's first steps follow the sign of gradients as small as rounding errors.
"""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest
import torch

from newt_core.agents.newt import losses
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.model.config import EntropyKind
from newt_core.model.world_model import WorldModel
from newt_core.replay import Batch
from tests.fixtures.models import batch, model
from tests.reference.losses import PlainLearner, PlainLosses

CONFIG = UpdateConfig(batch_size=10)
UPDATES = 10


def noise_for(m: WorldModel, b: Batch, seed: int = 0) -> losses.UpdateNoise:
    g = torch.Generator().manual_seed(seed)
    return losses.draw_noise(m, b, g, g)


def in_float64(record: Any) -> Any:
    """A batch or noise with its real tensors in float64."""
    values = {name: getattr(record, name) for name in record.__dataclass_fields__}
    doubled = {
        n: v.double() if v is not None and v.is_floating_point() else v for n, v in values.items()
    }
    return dataclasses.replace(record, **doubled)


def wide_model(feature_stack: int = 0) -> WorldModel:
    """A model whose values spread over more than 1, so that their scale says something."""
    m = model(feature_stack=feature_stack).double()
    with torch.no_grad():
        m.q.weight_2.mul_(20)
        m.target_q.weight_2.mul_(20)
    return m


@pytest.mark.parametrize("entropy", get_args(EntropyKind))
@pytest.mark.parametrize("feature_stack", [0, 2])
def test_losses_equal_the_reference(feature_stack: int, entropy: EntropyKind) -> None:
    # An entropy that weighs as much as the rest.
    config = UpdateConfig(entropy=entropy, entropy_coef=1.0)
    m, b = wide_model(feature_stack), in_float64(batch(feature_stack=feature_stack))
    noise = in_float64(noise_for(m, b))
    plain = PlainLosses(m, b, noise, config)
    ours = losses.model_loss(m, m.bind(b.task), b, noise, config)
    total, latents = plain.model_loss()
    # The weights of the time steps are in float32: seven digits are equal.
    assert ours.total.item() == pytest.approx(total.item(), rel=1e-6)
    torch.testing.assert_close(ours.latents, latents, atol=1e-12, rtol=0)
    scale = torch.tensor(3.0, dtype=torch.float64)
    policy = losses.policy_loss(m, ours.latents, b, noise, scale, config, bc_coef=10.0)
    expected, plain_scale = plain.policy_loss(latents, 3.0, 10.0)
    assert policy.total.item() == pytest.approx(expected.item(), rel=1e-6)
    assert policy.scale.item() == pytest.approx(plain_scale, rel=1e-6)
    assert plain_scale > 3.001
    joint = losses.joint_policy_loss(m, ours.latents, b, noise, config, bc_coef=10.0)
    together = (ours.total + joint.total).item()
    assert together == pytest.approx(plain.pretraining_loss(10.0).item(), rel=1e-6)


def same_weights_after_updates(
    config: UpdateConfig, *, bc_coef: float, joint: bool, feature_stack: int
) -> None:
    """Let the learner and the reference take the same updates and compare all weights."""
    fast, plain = wide_model(feature_stack), wide_model(feature_stack)
    learner, reference = Learner(fast, config), PlainLearner(plain, config)
    for step in range(UPDATES):
        b = in_float64(batch(seed=step, feature_stack=feature_stack))
        noise = in_float64(noise_for(fast, b, seed=step))
        learner.update(b, noise=noise, bc_coef=bc_coef, joint=joint)
        reference.update(b, noise, bc_coef=bc_coef, joint=joint)
    before = wide_model(feature_stack)
    pairs = zip(before.parameters(), plain.parameters(), strict=True)
    assert all(not torch.equal(old, new) for old, new in pairs)
    for (name, ours), theirs in zip(fast.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0, msg=name)
    assert learner.scale.item() == pytest.approx(reference.scale, rel=1e-7)
    assert (reference.scale == 1.0) == joint


@pytest.mark.parametrize(
    ("entropy", "bc_coef", "feature_stack"),
    [("gaussian", 1.0, 0), ("gaussian", 10.0, 2), ("squashed", 10.0, 0), ("squashed", 1.0, 2)],
)
def test_joint_updates_equal_the_reference(
    entropy: EntropyKind, bc_coef: float, feature_stack: int
) -> None:
    config = CONFIG.model_copy(update={"entropy": entropy})
    same_weights_after_updates(config, bc_coef=bc_coef, joint=True, feature_stack=feature_stack)


@pytest.mark.parametrize(
    ("entropy", "bc_coef", "bc_latents", "feature_stack"),
    [
        ("gaussian", 0.0, False, 0),
        ("gaussian", 1.0, False, 2),
        ("gaussian", 10.0, True, 0),
        ("squashed", 10.0, False, 0),
        ("squashed", 1.0, True, 2),
    ],
)
def test_interaction_updates_equal_the_reference(
    entropy: EntropyKind, bc_coef: float, bc_latents: bool, feature_stack: int
) -> None:
    config = CONFIG.model_copy(update={"entropy": entropy, "bc_latents": bc_latents})
    same_weights_after_updates(config, bc_coef=bc_coef, joint=False, feature_stack=feature_stack)


@pytest.mark.parametrize("joint", [False, True])
def test_updates_with_clipped_gradients_equal_the_reference(joint: bool) -> None:
    config = CONFIG.model_copy(update={"grad_clip": 0.05})
    same_weights_after_updates(config, bc_coef=10.0, joint=joint, feature_stack=0)
