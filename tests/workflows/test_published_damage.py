"""Published checkpoints with something wrong, or with something in them that must not run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tensordict import TensorDict

from newt_core.errors import CheckpointError
from newt_core.specs import load_specs
from newt_core.training.published import listed_tasks
from newt_core.workflows.published_checkpoints import ImportRequest, import_checkpoint
from tests.fixtures import published_models as published

LIBRARY = load_specs()


def multitask() -> dict[str, torch.Tensor]:
    """A model of the 200 tasks."""
    dims = [LIBRARY[name].action_dim for name in listed_tasks()]
    return published.weights() | published.tables(dims)


def bring_in(file: Path) -> None:
    import_checkpoint(ImportRequest(file, out=file.with_name("ours.pt")), LIBRARY, print)


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def broken(model: dict[str, Any], kind: str) -> dict[str, Any]:
    """A model with one thing wrong."""
    wrong = dict(model)
    if kind == "missing":
        del wrong["_reward.2.bias"]
    elif kind == "extra":
        wrong["_decoder.0.weight"] = torch.zeros(2, 2)
    elif kind == "shape":
        wrong["_Qs.target._Qs.1.2.weight"] = torch.zeros(101, 255)
    elif kind == "vector":
        wrong["_pi.0.weight"] = torch.zeros(5)
    elif kind == "nan":
        wrong["_dynamics.1.ln.bias"] = torch.full((256,), torch.nan)
    elif kind == "number":
        wrong["_dynamics.1.ln.bias"] = 3
    elif kind == "range":
        wrong["log_std_min"] = torch.tensor(-5.0)
    elif kind == "rows":
        wrong["_action_masks"] = torch.ones(3, 16)
    elif kind == "heads":
        wrong = {name: t for name, t in wrong.items() if "_Qs.2" not in name}
    elif kind == "texts":
        del wrong["_task_emb.weight"]
    return wrong


KINDS = ["missing", "extra", "shape", "vector", "nan", "number", "range", "rows", "heads", "texts"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_with_something_wrong_is_one_line(tmp_path, kind):
    file = published.write(tmp_path / "soup.pt", broken(multitask(), kind))
    with pytest.raises(CheckpointError) as error:
        bring_in(file)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


def test_nothing_in_a_file_is_run_and_only_plain_data_is_taken(tmp_path):
    file, marker = tmp_path / "soup.pt", tmp_path / "code-was-run"
    model = multitask()
    whole = published.write(file, model).read_bytes()
    tensors = TensorDict({"w": torch.zeros(2)}, batch_size=[2])
    foreign: list[Any] = [
        {"model": model, "optim": Trap(marker)},
        {"model": {"w": tensors}},
        tensors,
        {"model": model, "scale": {1, 2}},
    ]
    for content in foreign:
        torch.save(content, file)
        with pytest.raises(CheckpointError, match="can run code") as error:
            bring_in(file)
        assert "\n" not in str(error.value)
    assert not marker.exists()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="cut short"):
        bring_in(file)
    others: list[Any] = [{"state_dict": {}}, [1, 2], {"model": [1]}, torch.zeros(1)]
    for other in others:
        torch.save(other, file)
        with pytest.raises(CheckpointError, match=r"another program's|published models"):
            bring_in(file)
    torch.save({"format_version": 2}, file)
    with pytest.raises(CheckpointError, match="checkpoint of Newt's own"):
        bring_in(file)
