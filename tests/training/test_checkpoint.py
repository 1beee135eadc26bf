import errno
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from newt_core.errors import CheckpointError
from newt_core.training.checkpoint import (
    FORMAT_VERSION,
    load_checkpoint,
    read_archive,
    save_checkpoint,
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.pt"
    save_checkpoint(path, {"step": 7, "weights": {"w": torch.arange(1000.0)}})
    return path


def assert_one_line(error: pytest.ExceptionInfo[CheckpointError], path: Path) -> None:
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "a.pt"
    payload: dict[str, Any] = {
        "step": 12,
        "large": 2**100,
        "rate": 3e-4,
        "name": "hashed-512",
        "absent": None,
        "flag": True,
        "tasks": [{"id": "walker-run", "hash": "ab"}],
        "weights": {"w": torch.randn(3, 2), "half": torch.ones(2, dtype=torch.bfloat16)},
        "indexed": {0: torch.tensor([1, 2])},
    }
    save_checkpoint(path, payload)
    loaded = load_checkpoint(path)

    weights = loaded.pop("weights")
    assert torch.equal(weights["w"], payload["weights"]["w"])
    assert weights["half"].dtype == torch.bfloat16
    assert torch.equal(loaded.pop("indexed")[0], torch.tensor([1, 2]))
    assert loaded == {k: v for k, v in payload.items() if k not in ("weights", "indexed")}


def test_the_file_opens_with_pytorch_alone(saved):
    content = torch.load(saved, weights_only=True)
    assert content["format_version"] == FORMAT_VERSION
    assert type(content) is dict


def test_an_optimiser_goes_on_as_if_never_stopped(tmp_path):
    def make() -> tuple[torch.nn.Linear, torch.optim.Adam]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 1)
        return layer, torch.optim.Adam(layer.parameters(), lr=0.1)

    def step(layer: torch.nn.Linear, optimiser: torch.optim.Adam) -> None:
        optimiser.zero_grad()
        layer(torch.ones(1, 3)).square().sum().backward()
        optimiser.step()

    layer, optimiser = make()
    step(layer, optimiser)
    # state_dict() holds an OrderedDict, tuples (betas) and None.
    path = tmp_path / "a.pt"
    save_checkpoint(path, {"layer": layer.state_dict(), "adam": optimiser.state_dict()})
    step(layer, optimiser)

    other_layer, other = make()
    loaded = load_checkpoint(path)
    other_layer.load_state_dict(loaded["layer"])
    other.load_state_dict(loaded["adam"])
    step(other_layer, other)
    assert torch.equal(layer.weight, other_layer.weight)


def test_tuples_and_mappings_become_plain(tmp_path):
    path = tmp_path / "a.pt"
    save_checkpoint(path, {"pair": (1, (2, 3)), "ordered": OrderedDict(a=1)})
    loaded = load_checkpoint(path)
    assert loaded["pair"] == [1, [2, 3]]
    assert type(loaded["ordered"]) is dict


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.zeros(2), "numpy.ndarray"),
        (np.float64(1.0), "numpy.float64"),
        ({1, 2}, "builtins.set"),
        (Path("x"), "Path"),
        (torch.float32, "dtype"),
    ],
)
def test_other_types_are_refused_by_place_and_the_old_file_stays(saved, value, kind):
    before = saved.read_bytes()
    with pytest.raises(CheckpointError, match=kind) as error:
        save_checkpoint(saved, {"replay": {"state": [1, value]}})
    assert "payload['replay']['state'][1]" in str(error.value)
    assert saved.read_bytes() == before


def test_a_key_that_is_no_text_or_number_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"\(1, 2\)"):
        save_checkpoint(tmp_path / "a.pt", {"x": {(1, 2): 3}})


def test_a_small_view_does_not_drag_its_storage_along(tmp_path):
    path = tmp_path / "a.pt"
    save_checkpoint(path, {"row": torch.zeros(1_000_000)[:10]})
    assert path.stat().st_size < 10_000
    assert torch.equal(load_checkpoint(path)["row"], torch.zeros(10))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_one_clear_line(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(saved)
    assert_one_line(error, saved)


def test_a_flipped_bit_is_noticed(saved):
    content = bytearray(saved.read_bytes())
    # The bytes of 1.0, 2.0, 3.0 as float32 occur once: in the weights.
    content[content.index(np.array([1, 2, 3], np.float32).tobytes())] ^= 1
    saved.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged") as error:
        load_checkpoint(saved)
    assert_one_line(error, saved)


class _Trap:
    """Unpickling it creates the file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def _plain_pickle(path: Path, trap: _Trap) -> None:
    path.write_bytes(pickle.dumps({"format_version": FORMAT_VERSION, "x": trap}))


def _old_torch_file(path: Path, trap: _Trap) -> None:
    torch.save({"x": trap}, path, _use_new_zipfile_serialization=False)


def _torch_file(path: Path, trap: _Trap) -> None:
    torch.save({"format_version": FORMAT_VERSION, "x": trap}, path)


@pytest.mark.parametrize("write", [_plain_pickle, _old_torch_file, _torch_file])
def test_foreign_objects_are_refused_and_their_code_is_not_run(tmp_path, write):
    path, marker = tmp_path / "foreign.pt", tmp_path / "code-was-run"
    write(path, _Trap(marker))
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path)
    assert_one_line(error, path)
    assert not marker.exists()


def test_a_list_that_holds_itself_is_read_once(tmp_path):
    mine: list[Any] = [1.0]
    mine.append(mine)
    torch.save({"mine": mine, "also": mine}, tmp_path / "round.pt")
    found = read_archive(tmp_path / "round.pt")
    assert found["mine"][1] is found["mine"]


def test_another_format_version_says_which(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"format_version": 1, "step": 5}, path)
    assert load_checkpoint(path) == {"step": 5}, "files of this version are on people's disks"
    torch.save({"format_version": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"version an array of shape \[2\], but"):
        load_checkpoint(path)
    for version in (0, 2, "1", True):
        torch.save({"format_version": version}, path)
        with pytest.raises(CheckpointError, match=f"version {version!r}, but .* reads version 1"):
            load_checkpoint(path)


def test_somebody_elses_weights_are_pointed_to_the_importer(tmp_path):
    path = tmp_path / "soup.pt"
    torch.save({"model": {"w": torch.zeros(1)}}, path)
    with pytest.raises(CheckpointError, match="newt checkpoint import"):
        load_checkpoint(path)
    torch.save(torch.zeros(1), path)
    with pytest.raises(CheckpointError, match="not a checkpoint of Newt"):
        load_checkpoint(path)


def test_a_missing_file_a_folder_a_text_and_another_archive(tmp_path):
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "nowhere.pt")
    with pytest.raises(CheckpointError, match="is a folder"):
        load_checkpoint(tmp_path)
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(text)
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "hello")
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(archive)
    assert_one_line(error, archive)


def test_a_full_disk_leaves_the_old_checkpoint_and_no_litter(saved, monkeypatch):
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        save_checkpoint(saved, {"step": 8})
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]
