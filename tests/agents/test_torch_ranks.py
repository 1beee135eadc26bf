"""Two processes over loopback train as one would on all their rows."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.agents.rank_messages import pack, unpack
from newt_core.agents.ranks import ALONE, Ranks
from newt_core.agents.torch_ranks import TorchRanks
from newt_core.replay import Batch, Part, divide
from tests.fixtures.models import batch, model
from tests.fixtures.rank_processes import on_processes

UPDATES = {"interaction": 100, "pretraining": 20}
ROWS = 7
PARTS = divide(ROWS, [4, 3])
LOSSES = ("loss/consistency", "loss/reward", "loss/value", "loss/policy", "loss/cloning")
FACTOR = 20.0
"""Of the last layers' weights: else all values lie within one, where their scale stays at 1."""


def learner(ranks: Ranks) -> Learner:
    net = copy.deepcopy(model()).double()
    with torch.no_grad():
        for each in net.q.parameters():
            each.mul_(FACTOR)
    return Learner(net, UpdateConfig(horizon=3, lr=1e-4), ranks=ranks)


def mine(whole: Batch, part: Part) -> Batch:
    at = slice(part.first, part.first + part.own)
    obs, action, reward = (each[:, at].double() for each in (whole.obs, whole.action, whole.reward))
    return Batch(obs, action, reward, whole.task[at], part=part)


def learned(ranks: Ranks, part: Part, kind: str) -> dict[str, Any]:
    """In double precision: Adam makes steps of gradients that are mere rounding errors."""
    made = learner(ranks)
    losses = []
    for update in range(UPDATES[kind]):
        given = mine(batch(ROWS, seed=update), part)
        metrics = made.update(given, bc_coef=1.0, joint=kind == "pretraining")
        losses.append([float(metrics[name]) for name in LOSSES if name in metrics])
    weights = torch.cat([each.detach().flatten() for each in made.model.parameters()])
    return {"losses": losses, "weights": weights, "scale": made.scale}


def at_work(ranks: TorchRanks) -> dict[str, Any]:
    part = Part(PARTS, ranks.rank)
    reduced: list[int] = []
    plain = dist.all_reduce

    def counting(tensor: torch.Tensor, *rest: Any, **others: Any) -> Any:
        reduced.append(tensor.numel())
        return plain(tensor, *rest, **others)

    found: dict[str, Any] = {
        "gathered": ranks.gather({"rank": ranks.rank, "rows": torch.arange(ranks.rank + 2)}),
        "total": ranks.total(10 + ranks.rank),
        "any": [ranks.any(False), ranks.any(ranks.rank == 1), ranks.any(True)],
        "joined": ranks.joined(torch.arange(float(part.own)) + 10 * ranks.rank, part),
        "interaction": learned(ranks, part, "interaction"),
        "pretraining": learned(ranks, part, "pretraining"),
    }
    dist.all_reduce = counting
    made = learner(ranks)
    made.update(mine(batch(ROWS), part), bc_coef=1.0, joint=True)
    found["reductions, pretraining"] = len(reduced)
    made.update(mine(batch(ROWS), part), bc_coef=1.0)
    found["reductions, both"] = len(reduced)
    dist.all_reduce = plain
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return on_processes(2, at_work, tmp_path_factory.mktemp("ranks"))


@pytest.mark.parametrize("kind", ["interaction", "pretraining"])
def test_parts_of_unequal_size_teach_what_the_whole_batch_does(both, kind):
    first, second = (each[kind] for each in both)
    assert torch.equal(first["weights"], second["weights"])
    assert torch.equal(first["scale"], second["scale"])
    alone = learned(ALONE, Part((ROWS,), 0), kind)
    torch.testing.assert_close(first["weights"], alone["weights"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(first["scale"], alone["scale"], atol=1e-5, rtol=1e-5)
    if kind == "interaction":
        assert float(alone["scale"]) > 1.01, "else this does not see how the scale is made"
    shares = torch.tensor(PARTS) / ROWS
    parts = torch.tensor([first["losses"], second["losses"]])
    mean = (parts * shares[:, None, None]).sum(0)
    torch.testing.assert_close(mean, torch.tensor(alone["losses"]), atol=1e-5, rtol=1e-5)


def test_a_backward_pass_is_one_reduction(both):
    for each in both:
        assert each["reductions, pretraining"] == 2  # the model's, and the policy's step
        assert each["reductions, both"] == 4


def test_what_is_agreed_on_is_known_to_both(both):
    for each in both:
        assert [one["rank"] for one in each["gathered"]] == [0, 1]
        assert [one["rows"].tolist() for one in each["gathered"]] == [[0, 1], [0, 1, 2]]
        assert each["total"] == 21
        assert each["any"] == [False, True, True]
        assert each["joined"].tolist() == [0, 1, 2, 3, 10, 11, 12]


def test_a_parameter_that_a_loss_does_not_reach_stays_without_a_gradient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dist, "get_rank", lambda: 0)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(dist, "all_reduce", lambda tensor: tensor.mul_(2))
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    used.grad = torch.tensor([4.0, 8.0])
    loss = TorchRanks().average_gradients([used, unused], torch.tensor(6.0), Part((1, 3), 0))
    # A quarter of the rows, doubled by the stand-in for a sum over two ranks.
    assert used.grad.tolist() == [2.0, 4.0]
    assert unused.grad is None
    assert float(loss) == 3.0


def test_a_message_comes_back_as_it_was():
    shared = torch.arange(6.0)
    value = {
        "words": [1, 2.5, None, "é", True, float("inf")],
        "views": {"a": shared[:3], "b": shared[3:], "none": torch.zeros(0, 16)},
        "half": torch.ones(2, dtype=torch.float16),
    }
    back = unpack(pack(value))
    assert back["words"] == value["words"]
    assert back["views"]["b"].tolist() == [3.0, 4.0, 5.0]
    assert back["views"]["none"].shape == (0, 16)
    assert back["half"].dtype == torch.float16
    with pytest.raises(TypeError):
        pack({"x": object()})


@pytest.mark.parametrize(
    ("total", "weights", "rows"),
    [
        (8, [1, 1], (4, 4)),
        (7, [1, 1], (4, 3)),
        (1024, [4, 3], (585, 439)),
        (3, [50, 1, 1], (1, 1, 1)),
        (256, [1], (256,)),
    ],
)
def test_rows_are_divided_in_proportion(total, weights, rows):
    assert divide(total, weights) == rows
    assert sum(rows) == total


def test_fewer_rows_than_parts_cannot_be_divided():
    with pytest.raises(ValueError, match="2 rows cannot be divided into 3 parts"):
        divide(2, [1, 1, 1])
