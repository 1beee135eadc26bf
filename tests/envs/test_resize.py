"""Pictures are resized as PyTorch does it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from newt_core.envs.resize import resize


@pytest.mark.parametrize(
    ("old", "new"), [((400, 400), (224, 224)), ((480, 640), (96, 128)), ((50, 60), (224, 100))]
)
def test_equals_torchs_antialiased_bilinear_interpolation(old, new):
    frame = np.random.default_rng(0).integers(0, 256, (*old, 3), dtype=np.uint8)
    frame[: old[0] // 3, : old[1] // 3] = 255  # a field whose corner must stay exact
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(frame).permute(2, 0, 1)[None].double(),
        size=new,
        mode="bilinear",
        antialias=True,
    )
    picture = resize(frame, *new)
    assert picture.shape == (*new, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    difference = picture - expected[0].permute(1, 2, 0).numpy()
    assert np.abs(difference).max() <= 0.5 + 1e-3  # rounding, and float32


def test_the_same_size_is_left_as_it_is():
    frame = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize(frame, 7, 9), frame)
