"""Resized frames are those of PyTorch's antialiased bilinear interpolation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from newt_core.envs.frames import resize
from newt_core.envs.offscreen import drawing_size


def _by_torch(frame, height, width):
    channels = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float()
    resized = torch.nn.functional.interpolate(
        channels, size=(height, width), mode="bilinear", antialias=True, align_corners=False
    )
    return resized[0].permute(1, 2, 0).round().clamp(0, 255).numpy()


def _pictures(height, width):
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    stripes = np.zeros((height, width, 3), dtype=np.uint8)
    stripes[:, ::3] = (255, 40, 0)
    stripes[height // 2 :, :, 2] = 255
    return {"noise": noise, "stripes": stripes}


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((480, 480), (224, 224)),
        ((400, 400), (224, 224)),
        ((480, 640), (96, 128)),
        ((40, 30), (77, 50)),
    ],
)
def test_resizing_equals_pytorchs_within_a_level(source, target):
    for name, picture in _pictures(*source).items():
        resized = resize(picture, *target)
        assert resized.shape == (*target, 3)
        assert resized.dtype == np.uint8
        difference = np.abs(resized.astype(float) - _by_torch(picture, *target))
        assert difference.max() <= 1, name


def test_a_flipped_view_is_resized_as_what_it_shows():
    picture = _pictures(480, 480)["stripes"]
    np.testing.assert_array_equal(
        resize(picture[::-1], 224, 224), resize(picture[::-1].copy(), 224, 224)
    )


def test_a_frame_of_the_right_size_is_left_alone():
    picture = _pictures(24, 32)["noise"]
    np.testing.assert_array_equal(resize(picture, 24, 32), picture)


@pytest.mark.parametrize(
    ("frame", "drawn"),
    [((224, 224), (480, 480)), ((96, 128), (480, 640)), ((720, 1280), (720, 1280))],
)
def test_small_frames_are_drawn_larger_and_in_the_same_shape(frame, drawn):
    assert drawing_size(*frame) == drawn


def test_domains_may_draw_frames_of_the_encoders_size_as_they_are():
    assert drawing_size(224, 224, short_side=224) == (224, 224)
    assert drawing_size(96, 128, short_side=224) == (224, 299)
