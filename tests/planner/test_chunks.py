"""Plans in pieces on a GPU: how many environments at a time, and what they take."""

from __future__ import annotations

import weakref
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from newt_core.agents.newt.acting_model import ActingModel
from newt_core.agents.newt.plan_memory import bytes_per_env
from newt_core.devices import memory
from newt_core.model.count import without_values
from newt_core.model.sizes import SIZES
from newt_core.model.split import SplitModel
from newt_core.planner import chunks
from newt_core.planner.chunks import OnGpu, chunk_size, plan_in_chunks
from newt_core.planner.config import PlannerConfig
from newt_core.planner.mppi import Plan, PlanNoise, search
from newt_core.types import ACTION_DIM
from tests.fixtures.models import model

META = torch.device("meta")
PAPER = PlannerConfig(iterations=2)
"""More rounds take no more memory: each is made while the one before is there."""
SMALL = PlannerConfig(num_samples=8, policy_trajectories=2, num_elites=2, iterations=1)


class Peak(TorchDispatchMode):
    """Adds up the memory of the tensors that exist at the same moment."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = result if isinstance(result, tuple | list) else [result]
        for each in (tensor for tensor in made if isinstance(tensor, torch.Tensor)):
            storage = each.untyped_storage()
            if storage._cdata not in self._sizes:
                self._sizes[storage._cdata] = storage.nbytes()
                self.now += storage.nbytes()
                self.most = max(self.most, self.now)
                weakref.finalize(storage, self._gone, storage._cdata)
        return result

    def _gone(self, storage: int) -> None:
        self.now -= self._sizes.pop(storage)


def there(*shape: int) -> torch.Tensor:
    return torch.empty(*shape, device=META)


def planned_for(split: Any, config: PlannerConfig, envs: int) -> tuple[Any, ...]:
    n, p, rounds = config.num_samples, config.policy_trajectories, config.iterations
    latent = split.order.numel()
    noise = PlanNoise(
        there(3, envs, p, ACTION_DIM),
        there(rounds, 3, envs, n - p, ACTION_DIM),
        there(rounds, envs, n, ACTION_DIM),
        torch.zeros(rounds, 2, dtype=torch.int64, device=META),
        there(envs, config.num_elites),
        there(envs, ACTION_DIM),
    )
    task = torch.zeros(envs, dtype=torch.int64, device=META)
    return task, there(envs, latent).to(split.dtype), there(3, envs, ACTION_DIM), noise


@pytest.mark.parametrize(
    ("size", "dtype"),
    [("2M", torch.bfloat16), ("20M", torch.float32), ("80M", torch.float32)],
)
@torch.no_grad()
def test_a_plan_takes_no_more_memory_than_expected_and_not_much_less(size, dtype):
    with META:
        world = without_values(size)
        world.action_width = ACTION_DIM
        split = SplitModel(world.to(META), dtype)

    def most(envs: int) -> int:
        task, z, mean, noise = planned_for(split, PAPER, envs)
        with Peak() as peak:
            search(split.bind(task), z, mean, noise, PAPER, 0.0)
        return peak.most

    each = (most(12) - most(2)) / 10
    assert 1.0 <= bytes_per_env(SIZES[size], ACTION_DIM, PAPER, 3, dtype) / each < 2.0


@torch.no_grad()
def test_a_gpu_plans_for_as_many_environments_at_a_time_as_it_is_told(monkeypatch):
    world = model()
    world.action_width = ACTION_DIM
    split = SplitModel(world.to(META))
    task, z, mean, noise = planned_for(split, SMALL, 10)
    sizes = []

    def counted(bound, z, mean, *rest):
        sizes.append(len(z))
        return Plan(mean, mean, mean, z[:, 0])

    monkeypatch.setattr(chunks, "search", counted)
    for most, expected in ((None, [10]), (10, [10]), (9, [5, 5]), (4, [4, 4, 2]), (1, [1] * 10)):
        plan = plan_in_chunks(split.bind, task, z, mean, noise, SMALL, on_gpu=OnGpu(most))
        assert sizes == expected
        assert plan.actions.shape == (3, 10, ACTION_DIM)
        assert plan.value.shape == (10,)
        sizes.clear()


def test_chunks_are_about_alike_and_never_empty():
    assert [chunk_size(10, most) for most in (None, 20, 10, 9, 3, 1, 0)] == [10, 10, 10, 5, 3, 1, 1]


class Acted(ActingModel):
    version = 0


def test_plans_on_a_gpu_are_as_large_as_its_memory_allows(monkeypatch):
    agent = Acted(model(), SMALL)
    each = bytes_per_env(agent.model.size, 6, SMALL, 3, torch.float32)
    properties = SimpleNamespace(total_memory=int(70 * each / memory.SHARE))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(Acted, "device", torch.device("cuda"))
    found = agent.on_gpu(200, 3)
    assert found == OnGpu(70, agent.captured_search(), 200)
    assert agent.on_gpu(200, 30).captured is None, "a long plan is made rarely"
    agent.planner_config = SMALL.model_copy(update={"graphs": False})
    assert agent.on_gpu(200, 3).captured is None


def test_on_a_cpu_nothing_of_it_applies():
    assert Acted(model(), SMALL).on_gpu(200, 3) == OnGpu(None, None, None)
