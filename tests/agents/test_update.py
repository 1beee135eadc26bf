"""What one update does to weights, target and learning rates, and that learning works."""

from __future__ import annotations

import copy
import dataclasses
from typing import get_args

import pytest
import torch

from newt_core.agents.newt import losses
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.errors import CheckpointError
from newt_core.model.config import EntropyKind, ModelConfig
from newt_core.planner.config import PlannerConfig
from newt_core.replay import Batch
from tests.fixtures.models import batch, model, table


def parts_changed(learner: Learner, *, bc_coef: float = 0.0, joint: bool = False) -> set[str]:
    before = {name: p.clone() for name, p in learner.model.named_parameters()}
    learner.update(batch(), bc_coef=bc_coef, joint=joint)
    return {
        name.split(".")[0]
        for name, p in learner.model.named_parameters()
        if not torch.equal(p, before[name])
    }


def test_an_update_moves_every_part() -> None:
    everything = {"encoder", "dynamics", "reward", "policy", "q", "target_q"}
    assert parts_changed(Learner(model(), UpdateConfig())) == everything
    assert parts_changed(Learner(model(), UpdateConfig()), joint=True) == everything


def test_joint_pretraining_lets_cloning_shape_the_encoder() -> None:
    config = UpdateConfig(consistency_coef=0, reward_coef=0, value_coef=0, entropy_coef=0)
    assert "encoder" in parts_changed(Learner(model(), config), joint=True, bc_coef=1.0)
    assert parts_changed(Learner(model(), config), joint=True) == {"target_q"}
    assert parts_changed(Learner(model(), config), bc_coef=1.0) == {"policy", "target_q"}


def test_cloning_can_go_on_shaping_the_encoder() -> None:
    shaping = UpdateConfig(
        consistency_coef=0, reward_coef=0, value_coef=0, entropy_coef=0, bc_latents=True
    )
    assert {"encoder", "policy"} <= parts_changed(Learner(model(), shaping), bc_coef=10.0)
    assert "encoder" not in parts_changed(Learner(model(), shaping))
    # The policy's own step is what it was: nothing is left over of the other gradient.
    plain, shaped = (
        Learner(model(), shaping.model_copy(update={"bc_latents": on})) for on in (False, True)
    )
    noise = losses.draw_noise(plain.model, batch(), plain.generator, plain.cpu_generator)
    for learner in (plain, shaped):
        learner.update(batch(), bc_coef=10.0, noise=noise)
    for one, other in zip(
        plain.model.policy.parameters(), shaped.model.policy.parameters(), strict=True
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("seed", range(3))
def test_interaction_can_begin_with_the_scale_of_values_that_are_learned(seed: int) -> None:
    learner = Learner(model(), UpdateConfig(), seed=seed)
    # Values that depend on the state and are far from 0, whichever pair of heads is drawn.
    with torch.no_grad():
        learner.model.q.weight_2.normal_(0, 3.0, generator=torch.Generator().manual_seed(0))
    learner.calibrate(batch())
    begun = float(learner.scale)
    assert begun > 1000
    learner.update(batch())
    assert float(learner.scale) == pytest.approx(begun, rel=0.05)


def test_target_follows_by_one_percent() -> None:
    m = model()
    learner = Learner(m, UpdateConfig())
    before = m.target_q.weight_1.clone()
    learner.update(batch())
    expected = before + 0.01 * (m.q.weight_1 - before)
    torch.testing.assert_close(m.target_q.weight_1, expected)


def test_warm_up_is_linear() -> None:
    learner = Learner(model(), UpdateConfig(warmup_updates=4, lr=1e-3, encoder_lr=5e-4))
    rates = []
    for _ in range(5):
        learner.set_lr_factor(learner.warmup_factor())
        rates.append(learner.policy_optimiser.param_groups[0]["lr"])
        learner.update(batch())
    assert rates == pytest.approx([2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3])
    assert learner.model_optimiser.param_groups[0]["lr"] == pytest.approx(5e-4)


@pytest.mark.parametrize("part", ["model", "policy"])
@pytest.mark.parametrize("limit", [1e-3, 1e9])
def test_gradients_are_clipped_and_the_norm_before_is_reported(part: str, limit: float) -> None:
    learner = Learner(model(), UpdateConfig(grad_clip=limit))
    metrics = learner.update(batch())
    reported = float(metrics[f"grad/{part}"])
    assert 1e-3 < reported < 1e9
    # After one step Adam's first moment is a tenth of the gradient it was given.
    optimiser = getattr(learner, f"{part}_optimiser")
    given = torch.stack([10 * s["exp_avg"].norm() for s in optimiser.state.values()]).norm()
    assert float(given) == pytest.approx(min(reported, limit), rel=1e-3)


def broken(b: Batch) -> Batch:
    """A batch that no loss of is finite."""
    return dataclasses.replace(b, reward=torch.full_like(b.reward, torch.nan))


@pytest.mark.parametrize("joint", [False, True])
def test_an_update_that_is_not_finite_is_left_out_and_counted(joint: bool) -> None:
    learner, twin = Learner(model(), UpdateConfig()), Learner(model(), UpdateConfig())
    for each in (learner, twin):
        each.update(batch(), joint=joint)
    before = {name: p.clone() for name, p in learner.model.named_parameters()}
    scale = learner.scale.clone()
    for number in (1, 2):
        metrics = learner.update(broken(batch()), joint=joint)
        assert not torch.isfinite(metrics["loss/reward"])
        counts = (learner.skipped.total, learner.skipped.in_a_row, learner.skipped.longest)
        assert [int(count) for count in counts] == [number] * 3
    for name, p in learner.model.named_parameters():
        if not name.startswith("target_q"):
            assert torch.equal(p, before[name]), name
    assert torch.equal(learner.scale, scale)
    # What it goes on with is what it would have been: moments and step counts did not move.
    learner.model.load_state_dict(twin.model.state_dict())
    noise = losses.draw_noise(twin.model, batch(seed=5), twin.generator, twin.cpu_generator)
    for each in (learner, twin):
        each.update(batch(seed=5), joint=joint, noise=noise)
    for ours, theirs in zip(learner.model.parameters(), twin.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert int(learner.skipped.in_a_row) == 0
    assert int(learner.skipped.longest) == 2


def test_a_changed_learning_rate_takes_effect_on_a_saved_state() -> None:
    saved = Learner(model(), UpdateConfig(lr=1e-3))
    saved.update(batch())
    changed = Learner(model(), UpdateConfig(lr=1e-5, encoder_lr=2e-5))
    changed.load_state_dict(copy.deepcopy(saved.state_dict()))
    rates = [group["lr"] for group in changed.model_optimiser.param_groups]
    assert [*rates, changed.policy_optimiser.param_groups[0]["lr"]] == [2e-5, 1e-5, 1e-5]
    moments = next(iter(changed.model_optimiser.state.values()))["exp_avg"]
    assert moments.abs().sum() > 0


@pytest.mark.parametrize("entropy", get_args(EntropyKind))
def test_the_entropy_that_is_asked_for_moves_the_policy(entropy: EntropyKind) -> None:
    only = UpdateConfig(
        consistency_coef=0, reward_coef=0, value_coef=0, entropy_coef=1, entropy=entropy
    )
    learner = Learner(model(), only.model_copy(update={"lr": 1e-2}))
    for seed in range(60):
        learner.update(batch(64, seed=seed), joint=True)
    b = batch(64, seed=99)
    with torch.no_grad():
        bound = learner.model.bind(b.task)
        sample = bound.policy(
            bound.encode(b.obs[0]), torch.randn(64, 16, generator=torch.Generator().manual_seed(0))
        )
    std = sample.log_std.exp()[sample.mask.bool()].mean()
    # The Gaussian's entropy grows without end; the squashed action's is largest at about 0.9.
    assert std > 3 if entropy == "gaussian" else 0.7 < std < 1.2


def test_losses_fall_on_one_batch() -> None:
    learner = Learner(model(), UpdateConfig(lr=1e-3, encoder_lr=1e-3))
    b = batch()
    first = learner.update(b)
    for _ in range(60):
        last = learner.update(b)
    for name in ("loss/consistency", "loss/reward"):
        assert float(last[name]) < 0.5 * float(first[name])


def test_an_update_in_bfloat16_is_roughly_the_exact_one() -> None:
    learner = Learner(model(), UpdateConfig(precision="bfloat16"))
    metrics = learner.update(batch(), bc_coef=1.0)
    exact = Learner(model(), UpdateConfig()).update(batch(), bc_coef=1.0)
    for name in ("loss/consistency", "loss/reward", "loss/value", "loss/cloning"):
        assert float(metrics[name]) == pytest.approx(float(exact[name]), rel=0.02), name
        assert float(metrics[name]) != float(exact[name]), name
    assert all(p.dtype == torch.float32 for p in learner.model.parameters())


def agent(size: str = "2M", seed: int = 0) -> NewtAgent:
    return NewtAgent(
        ModelConfig(size=size),  # type: ignore[arg-type]
        PlannerConfig(),
        UpdateConfig(batch_size=8),
        table(),
        device=torch.device("cpu"),
        seed=seed,
    )


def test_a_restored_learner_goes_on_identically() -> None:
    first = agent()
    first.model.load_state_dict(model("2M").state_dict())
    first.learner.update(batch())
    first.learner.scale = torch.tensor(7.0)
    second = agent(seed=1)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert second.learner.scale.item() == 7.0
    for a in (first, second):
        a.learner.update(batch(seed=5))
    # Of values that hardly differ, the scale goes 1 % of the way to 1.
    assert second.learner.scale.item() == first.learner.scale.item() == pytest.approx(6.94)
    assert second.learner.updates == first.learner.updates == 2
    for ours, theirs in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_state_from_another_kind_of_device_is_gone_on_with() -> None:
    first, second = agent(), agent(seed=1)
    state = copy.deepcopy(first.state_dict())
    # A GPU's generator has a state of 16 bytes.
    state["learner"]["generator"] = torch.zeros(16, dtype=torch.uint8)
    begun = second.learner.generator.get_state()
    second.load_state_dict(state)
    assert torch.equal(second.learner.generator.get_state(), begun)
    restored = second.learner.cpu_generator.get_state()
    assert torch.equal(restored, state["learner"]["cpu_generator"])


def test_initial_weights_depend_on_the_seed_only() -> None:
    torch.manual_seed(123)
    one = agent().model.encoder.first.linear.weight
    torch.manual_seed(321)
    assert torch.equal(one, agent().model.encoder.first.linear.weight)
    assert not torch.equal(one, agent(seed=1).model.encoder.first.linear.weight)


def test_weights_of_another_size_are_refused_in_one_line() -> None:
    with pytest.raises(CheckpointError, match="do not fit a 5M model") as caught:
        agent("5M").load_state_dict(agent("2M").state_dict())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_for_what_they_are(value: float) -> None:
    state = agent("2M").state_dict()
    state["model"]["encoder.first.linear.weight"][0, 0] = value
    with pytest.raises(CheckpointError, match=r"linear\.weight' are not finite: the training had"):
        agent("2M").load_state_dict(state)


@pytest.mark.parametrize(
    "model", [None, [], "weights", {"encoder.first.linear.weight": "x"}, {1: 2}]
)
def test_weights_of_a_wrong_type_are_refused_in_one_line(model: object) -> None:
    with pytest.raises(CheckpointError, match="do not fit a 2M model") as caught:
        agent("2M").load_weights({"model": model})
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_compiled_update_equals_the_eager_one() -> None:
    eager, compiled = model(), model()
    b = batch()
    noise = losses.draw_noise(eager, b, *(torch.Generator().manual_seed(k) for k in (0, 1)))
    expected = Learner(eager, UpdateConfig()).update(b, noise=noise)
    metrics = Learner(compiled, UpdateConfig(compile=True)).update(b, noise=noise)
    for name in ("loss/consistency", "loss/reward", "loss/value", "loss/policy", "grad/model"):
        assert float(metrics[name]) == pytest.approx(float(expected[name]), rel=1e-3, abs=1e-5)
