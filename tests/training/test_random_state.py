import random

import numpy as np
import pytest
import torch

from newt_core.errors import CheckpointError
from newt_core.training.checkpoint import load_checkpoint, save_checkpoint
from newt_core.training.random_state import (
    capture_random_state,
    restore_random_state,
    seed_random_state,
)


def draw() -> list[float]:
    # gauss() and normal() keep a second number back, which belongs to the state.
    return [random.gauss(0, 1), np.random.normal(), float(torch.randn(()))]


def test_all_generators_go_on_where_they_were_through_a_file(tmp_path):
    draw()
    path = tmp_path / "a.pt"
    save_checkpoint(path, {"random": capture_random_state()})
    expected = [draw() for _ in range(3)]
    draw()
    restore_random_state(load_checkpoint(path)["random"])
    assert [draw() for _ in range(3)] == expected


def test_seeds_of_any_size_give_numbers_of_their_own():
    drawn = set()
    for seed in (5, 2**31 + 5, 2**63 + 5):
        seed_random_state(seed)
        drawn.add((random.random(), float(torch.rand(()))))
    assert len(drawn) == 3
    seed_random_state(2**31 + 5)
    large = np.random.random()
    seed_random_state(5)
    assert np.random.random() != large


@pytest.mark.parametrize("part", ["python", "numpy", "torch", "cuda"])
def test_an_incomplete_state_is_a_checkpoint_error(part):
    state = capture_random_state()
    del state[part]
    if part == "cuda" and not torch.cuda.is_available():
        restore_random_state(state)  # Nobody asks for it.
        return
    with pytest.raises(CheckpointError, match="random number states"):
        restore_random_state(state)


@pytest.mark.parametrize(("gpus", "restored"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 1])])
def test_the_state_of_every_gpu_that_is_there_is_restored(monkeypatch, gpus, restored):
    state = capture_random_state() | {"cuda": [torch.tensor([7]), torch.tensor([8])]}
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(
        torch.cuda, "set_rng_state", lambda words, device: told.append((device, int(words)))
    )
    restore_random_state(state)
    assert told == [(device, 7 + device) for device in restored]
