"""Both planners reproduce plans that were worked out once, without either: golden/make.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from newt_core.planner.chunks import plan_in_chunks
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import PlanNoise, plan
from tests.planner.golden import make
from tests.reference.planner import PlainMPPI

GOLDEN = json.loads((Path(__file__).parent / "golden" / "plan.json").read_text(encoding="utf-8"))
CONFIG = PlannerConfig(**GOLDEN["config"])
CASES = GOLDEN["cases"]


def tensor(name: str) -> Tensor:
    return torch.tensor(GOLDEN[name], dtype=torch.float64)


def noise() -> PlanNoise:
    parts = GOLDEN["noise"]
    heads = torch.tensor(parts["heads"])
    rest = {k: torch.tensor(v, dtype=torch.float64) for k, v in parts.items() if k != "heads"}
    return PlanNoise(heads=heads, **rest)


class Arithmetic:
    """The functions ``prior``, ``step`` and ``head`` of golden/make.py on tensors."""

    def __init__(self, env: Tensor) -> None:
        self.mask = tensor("mask")[env]
        self.discount = tensor("discount")[env]

    def prior(self, z: Tensor, noise: Tensor) -> Tensor:
        return torch.tanh(0.5 * z + 0.3 * noise) * self.mask.unsqueeze(1)

    def step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        reward = z[..., 0] * action[..., 1] - z[..., 1] - 2 * (action[..., 0] - 0.4) ** 2
        reward = torch.where((action[..., 0] > 0.7) & (action[..., 0] < 0.9), torch.nan, reward)
        return reward, 0.5 * z + action * torch.tensor([1.0, -1.0], dtype=z.dtype)

    def first_step(self, z: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        return self.step(z.unsqueeze(1), action)

    def heads(self, z: Tensor, action: Tensor) -> Tensor:
        difference = z[..., 0] - z[..., 1]
        return torch.stack([(k + 1) * difference + k * action[..., 0] for k in range(3)])

    def value(self, z: Tensor, noise: Tensor, heads: Tensor) -> Tensor:
        return self.heads(z, self.prior(z, noise))[heads].mean(0)


class PlainArithmetic(PlainMPPI):
    def __init__(self) -> None:
        self.model = Arithmetic(torch.arange(2))
        self.mask = self.model.mask.unsqueeze(1)
        self.discount = self.model.discount.unsqueeze(1)
        self.policy = self.model.prior  # type: ignore[method-assign]
        self.step = self.model.step  # type: ignore[method-assign]
        self.q = self.model.heads  # type: ignore[method-assign]


def check(case: dict[str, Any], **found: Tensor) -> None:
    for name, ours in found.items():
        expected = torch.tensor(case[name], dtype=torch.float64)
        torch.testing.assert_close(ours, expected, atol=1e-12, rtol=0, msg=name)


def test_the_stored_plans_are_those_of_the_script_beside_them() -> None:
    assert GOLDEN["noise"] == make.NOISE
    for case, arguments in zip(CASES, make.CASES, strict=True):
        made = make.case(*arguments)
        assert made.keys() == case.keys()
        check(case, **{name: torch.tensor(made[name], dtype=torch.float64) for name in made})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"weight {case['prior_weight']}")
def test_the_planner_makes_the_stored_plan(case: dict[str, Any]) -> None:
    options = {name: case[name] for name in ("prior_weight", "explore")}
    model = Arithmetic(torch.arange(2))
    made = plan(model, tensor("z"), tensor("mean"), noise(), CONFIG, **options)
    check(case, actions=made.actions, mean=made.mean, std=made.std, value=made.value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"weight {case['prior_weight']}")
def test_the_reference_makes_the_stored_plan(case: dict[str, Any]) -> None:
    options = {name: case[name] for name in ("prior_weight", "explore")}
    actions, mean, std = PlainArithmetic().plan(
        tensor("z"), tensor("mean"), noise(), CONFIG, **options
    )
    check(case, actions=actions, mean=mean, std=std)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"weight {case['prior_weight']}")
def test_planning_in_pieces_makes_the_stored_plan(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newt_core.planner.chunks.CPU_ROWS", CONFIG.num_samples)
    sizes = []

    def bind(env: Tensor) -> Arithmetic:
        sizes.append(len(env))
        return Arithmetic(env)

    options = {name: case[name] for name in ("prior_weight", "explore")}
    made = plan_in_chunks(
        bind, torch.arange(2), tensor("z"), tensor("mean"), noise(), CONFIG, **options
    )
    assert sizes == [1, 1]
    check(case, actions=made.actions, mean=made.mean, std=made.std, value=made.value)
