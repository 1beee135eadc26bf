"""The fast planner and the plain one make the same plan from the same noise."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.testing import CompileCounter

from newt_core.model.split import SplitModel
from newt_core.model.world_model import WorldModel
from newt_core.planner import compiled
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import PlanNoise, draw_plan_noise, plan, search
from newt_core.planner.rollout import rollout
from newt_core.types import ACTION_DIM
from tests.fixtures.models import ACTION_DIMS, batch, model, normal, uniform
from tests.reference.planner import PlainPlanner

CONFIG = PlannerConfig(num_samples=40, policy_trajectories=6, num_elites=8, iterations=3)
TASK = torch.tensor([0, 1, 2, 2, 0])


def noise_for(
    m: WorldModel, config: PlannerConfig, horizon: int, seed: int = 0, envs: int = len(TASK)
) -> PlanNoise:
    g = torch.Generator().manual_seed(seed)
    return draw_plan_noise(
        config,
        envs,
        max(ACTION_DIMS),
        m.size.num_q,
        horizon=horizon,
        device=torch.device("cpu"),
        generator=g,
        cpu_generator=g,
    )


def padded(noise: PlanNoise) -> PlanNoise:
    """The same noise for a planner that works in all 16 action entries."""

    def pad(x: torch.Tensor) -> torch.Tensor:
        return F.pad(x, (0, ACTION_DIM - x.shape[-1]))

    return PlanNoise(
        pad(noise.prior),
        pad(noise.samples),
        pad(noise.final),
        noise.heads,
        noise.choice,
        pad(noise.action),
    )


@pytest.mark.parametrize("horizon", [1, 3, 24])
@pytest.mark.parametrize("prior_weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("explore", [False, True])
@torch.inference_mode()
def test_same_plan_as_the_reference(horizon: int, prior_weight: float, explore: bool) -> None:
    m = model()
    z = m.encode(batch(len(TASK)).obs[0], TASK)
    width = max(ACTION_DIMS)
    mean = 0.1 * normal(horizon, len(TASK), width) * m.action_mask[TASK][:, :width]
    noise = noise_for(m, CONFIG, horizon)
    split = SplitModel(m)
    fast = plan(
        split.bind(TASK),
        split.arrange(z),
        mean,
        noise,
        CONFIG,
        prior_weight=prior_weight,
        explore=explore,
    )
    actions, plain_mean, plain_std = PlainPlanner(m, TASK).plan(
        z,
        F.pad(mean, (0, ACTION_DIM - width)),
        padded(noise),
        CONFIG,
        prior_weight=prior_weight,
        explore=explore,
    )
    for ours, theirs in ((fast.actions, actions), (fast.mean, plain_mean), (fast.std, plain_std)):
        torch.testing.assert_close(ours, theirs[..., :width], atol=1e-5, rtol=0)
        assert float(theirs[..., width:].abs().max()) == 0.0


@torch.inference_mode()
def test_values_agree_at_the_published_width() -> None:
    m = model("2M")
    config = PlannerConfig(num_samples=32, policy_trajectories=4, num_elites=4, iterations=1)
    z = m.encode(batch(len(TASK)).obs[0], TASK)
    noise, split = noise_for(m, config, 3), SplitModel(m)
    bound, plain = split.bind(TASK), PlainPlanner(m, TASK)
    actions = uniform(3, len(TASK), 32, max(ACTION_DIMS)) * split.mask[TASK].unsqueeze(1)
    reward, latent = rollout(bound, split.arrange(z), actions)
    value = reward + bound.discount.unsqueeze(1) ** 3 * bound.value(
        latent, noise.final[0], noise.heads[0]
    )
    expected = plain.value(
        z.unsqueeze(1).repeat(1, 32, 1),
        F.pad(actions, (0, ACTION_DIM - actions.shape[-1])),
        padded(noise).final[0],
        noise.heads[0],
    )
    torch.testing.assert_close(value, expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_compiled_search_plans_the_same_for_any_number_of_environments(monkeypatch) -> None:
    """Traced in one piece, and not again for other environments, weights or constraints."""
    variants = CompileCounter()  # traces, and runs what it traced as it is
    traced = partial(torch.compile, backend=variants)
    monkeypatch.setattr(torch, "compile", traced)
    by = compiled.compiled_search.__wrapped__()
    config = CONFIG.model_copy(update={"iterations": 1})
    m = model()
    split = SplitModel(m)

    def plans(envs: int, prior_weight: float, explore: bool) -> None:
        task = TASK[:envs]
        z = split.arrange(m.encode(batch(envs).obs[0], task))
        noise = noise_for(m, config, 2, envs=envs)
        mean = torch.zeros(2, envs, split.width)
        ours, eager = (
            plan(
                split.bind(task), z, mean, noise, config,
                prior_weight=prior_weight, explore=explore, by=how,
            )
            for how in (by, search)
        )  # fmt: skip
        for name in ("actions", "mean", "std", "value"):
            torch.testing.assert_close(
                getattr(ours, name), getattr(eager, name), atol=1e-5, rtol=1e-5
            )

    for envs in (5, 3, 4):
        for explore in (False, True):
            for prior_weight in (0.0, 1.0, 0.3):
                plans(envs, prior_weight, explore)
    with torch.no_grad():
        for weight in m.parameters():
            weight.mul_(1.1)
    split.refresh(m, 1)
    plans(5, 0.3, True)
    assert variants.frame_count == 2, "one without the constraint and one with it"


@torch.inference_mode()
def test_bfloat16_values_are_close() -> None:
    m = model("2M")
    z = m.encode(batch(len(TASK)).obs[0], TASK)
    exact, half = SplitModel(m), SplitModel(m, torch.bfloat16)
    action = uniform(len(TASK), 8, max(ACTION_DIMS)) * exact.mask[TASK].unsqueeze(1)
    reward, latent = exact.bind(TASK).first_step(exact.arrange(z), action)
    half_reward, half_latent = half.bind(TASK).first_step(half.arrange(z), action)
    assert half_latent.dtype == torch.bfloat16
    torch.testing.assert_close(half_latent.float(), latent, atol=0.02, rtol=0.05)
    torch.testing.assert_close(half_reward, reward, atol=0.05, rtol=0.1)
