"""Tests that draw from the global generators draw the same numbers whenever they run."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch

from tests.conftest import SEED

DRAWN: dict[str, tuple[float, float, float, float]] = {}
"""By the seed of the tests: several may be tried in one process."""


@pytest.fixture(scope="module")
def shared() -> float:
    return float(torch.rand(()))


@pytest.mark.parametrize("disturbance", [0, 1, 5])
def test_every_test_begins_with_the_same_numbers(disturbance: int, shared: float) -> None:
    drawn = (random.random(), float(np.random.random()), float(torch.rand(())), shared)
    assert drawn == DRAWN.setdefault(os.environ.get(SEED, "0"), drawn)
    # What tests share is not what each of them draws.
    assert drawn[2] != shared
    for _ in range(disturbance):
        random.random(), np.random.random(), torch.rand(())
