"""Which tasks lie close together, and the picture of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from newt_core.encoders import HashedEncoder
from newt_core.encoders.text.neighbours import neighbours, plane
from newt_core.encoders.text.plot import draw_embeddings
from newt_core.errors import ConfigError
from newt_core.specs import load_specs

IDS = ["a", "b", "c", "d"]
VECTORS = np.array([[1.0, 0.0], [4.0, 1.0], [0.0, 1.0], [1.0, 5.0]], np.float32)
"""Directions of 0, 14, 90 and 79 degrees; lengths do not matter."""


def test_nearest_by_angle() -> None:
    found = neighbours(IDS, ["x", "x", "x", "y"], VECTORS, 2)
    assert found.nearest == {"a": ["b", "d"], "b": ["a", "d"], "c": ["d", "b"], "d": ["c", "b"]}
    assert found.same_domain == 0.5  # a and b; the nearest of c and d is of the other domain
    # Each of the three x has two others of x among the three others; y has none.
    assert found.chance == pytest.approx((3 * 2 / 3 + 0) / 4)


def test_what_says_nothing_has_no_neighbours() -> None:
    found = neighbours(["a", "b", "c"], ["x"] * 3, np.array([[0, 0], [1, 0], [1, 1]]), 2)
    assert found.nearest == {"a": [], "b": ["c"], "c": ["b"]}
    silent = neighbours(["a", "b"], ["x", "x"], np.zeros((2, 2), np.float32), 1)
    assert silent.same_domain is None
    alone = neighbours(["a"], ["x"], np.ones((1, 2), np.float32), 1)
    assert (alone.nearest, alone.same_domain, alone.chance) == ({"a": []}, None, None)


def test_plane_finds_the_directions_that_vary_most() -> None:
    generator = np.random.default_rng(0)
    spread = generator.normal(size=(500, 3)) * [0.1, 3.0, 1.0] + [5.0, -2.0, 7.0]
    points, share = plane(spread.astype(np.float32))
    centred = spread - spread.mean(axis=0)
    assert abs(np.corrcoef(points[:, 0], centred[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(points[:, 1], centred[:, 2])[0, 1]) > 0.99
    np.testing.assert_allclose(share, [0.9, 0.1], atol=0.02)
    mirrored, _ = plane(spread[:, ::-1].astype(np.float32))
    np.testing.assert_allclose(mirrored, points, atol=1e-4)


@pytest.mark.parametrize("count", [1, 2])
def test_plane_of_one_or_two_points(count: int) -> None:
    points, share = plane(VECTORS[:count])
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
    assert np.isfinite(share).all()


def test_hashed_neighbours_make_sense() -> None:
    specs = load_specs().select("*")
    ids, domains = [spec.id for spec in specs], [spec.domain for spec in specs]
    found = neighbours(ids, domains, HashedEncoder().encode_tasks(specs), 3)
    assert found.same_domain is not None
    assert found.chance is not None
    assert found.same_domain > 0.8 > 4 * found.chance
    assert all(near.startswith("walker-") for near in found.nearest["walker-walk"])
    assert "walker-run" in found.nearest["walker-walk"]
    assert "mw-door-close" in found.nearest["mw-door-open"]
    assert found.nearest["mw-door-close"][0] == "mw-door-open"
    assert found.nearest["pygame-pong"][:2] == ["pygame-air-hockey", "atari-pong"]


def test_a_picture_shows_every_domain(tmp_path: Path) -> None:
    path = tmp_path / "texts.png"
    domains = ["x", "x", "y", "y"]
    draw_embeddings(path, IDS, domains, VECTORS, "four tasks")
    with Image.open(path) as picture:
        assert picture.size == (1500, 1050)
        seen = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20) or []}
    assert {(0x1F, 0x5F, 0xA8), (0xE0, 0x7B, 0x1F)} <= seen
    with pytest.raises(ConfigError, match="must end in"):
        draw_embeddings(tmp_path / "texts.bmp", IDS, domains, VECTORS, "four tasks")
    assert not (tmp_path / "texts.bmp").exists()
