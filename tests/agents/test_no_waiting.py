"""Planning and updating never wait for a GPU: they read nothing back and copy nothing there.

Run on PyTorch's meta device, whose tensors have no values: reading one raises an error, as it would
wait on a GPU. Copies between devices are counted.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.losses import UpdateNoise
from newt_core.agents.newt.update import Learner
from newt_core.model.split import SplitModel
from newt_core.model.world_model import WorldModel
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import PlanNoise, plan
from newt_core.replay import Batch
from newt_core.types import ACTION_DIM
from tests.fixtures.models import ACTION_DIMS, batch, model
from tests.fixtures.other_device import META, Copies, stand_still

CONFIG = PlannerConfig(num_samples=40, policy_trajectories=6, num_elites=8, iterations=2)
HEADS = torch.zeros(2, dtype=torch.int64, device=META)


class OnCpu(torch.Generator):
    """A CPU's generator, wherever one is asked for."""

    def __new__(cls, device: object = "cpu") -> OnCpu:
        return super().__new__(cls)


def normal(*shape: int) -> torch.Tensor:
    return torch.empty(*shape, device=META)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> WorldModel:
    """Return a model on the other device, for which streams of random numbers are CPU ones."""
    monkeypatch.setattr(torch, "Generator", OnCpu)
    monkeypatch.setattr(Learner, "_autocast", lambda self: nullcontext())
    stand_still(monkeypatch)
    made = model()
    assert made.action_width == max(ACTION_DIMS)  # looked at once, when the weights are arranged
    return made.to(META)


def planned(split: SplitModel, envs: int = 3) -> None:
    width, n, p = split.width, CONFIG.num_samples, CONFIG.policy_trajectories
    noise = PlanNoise(
        prior=normal(3, envs, p, width),
        samples=normal(CONFIG.iterations, 3, envs, n - p, width),
        final=normal(CONFIG.iterations, envs, n, width),
        heads=torch.stack([HEADS, HEADS]),
        choice=normal(envs, CONFIG.num_elites),
        action=normal(envs, width),
    )
    task = torch.zeros(envs, dtype=torch.int64, device=META)
    z = normal(envs, split.order.numel())
    mean = normal(3, envs, width)
    plan(split.bind(task), z, mean, noise, CONFIG, prior_weight=0.5, explore=True)


def updated(learner: Learner, *, joint: bool) -> None:
    b = batch()
    obs, action, reward, task = (x.to(META) for x in (b.obs, b.action, b.reward, b.task))
    there = Batch(obs, action, reward, task)
    horizon, rows = b.action.shape[:2]
    noise = UpdateNoise(
        normal(horizon, rows, ACTION_DIM), normal(horizon + 1, rows, ACTION_DIM), HEADS, HEADS
    )
    with Copies() as copies:
        learner.update(there, bc_coef=1.0, joint=joint, noise=noise)
    assert copies.made == []


@torch.inference_mode()
def test_a_plan_reads_nothing_and_copies_nothing(there) -> None:
    split = SplitModel(there)
    with Copies() as copies:
        planned(split)
    assert copies.made == []


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("bc_latents", [False, True])
def test_an_update_reads_nothing_and_copies_nothing(there, joint, bc_latents) -> None:
    updated(Learner(there, UpdateConfig(bc_latents=bc_latents)), joint=joint)


def test_a_value_that_is_read_is_noticed(there, monkeypatch) -> None:
    def read(self: Any, heads: torch.Tensor) -> Any:
        return [self._mapped(lambda w, h=h: w[h]) for h in heads.tolist()]

    split = SplitModel(there)
    monkeypatch.setattr(type(split.q), "of_heads", read)
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"), torch.inference_mode():
        planned(split)


def test_a_copy_is_noticed(there, monkeypatch) -> None:
    learner = Learner(there, UpdateConfig())
    monkeypatch.setattr(learner, "_step", lambda *args: torch.ones(len(ACTION_DIMS)).to(META).sum())
    with pytest.raises(AssertionError):
        updated(learner, joint=False)
