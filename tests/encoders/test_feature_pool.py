"""A pool that sees: which picture's feature comes with which observation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from newt_core.encoders.feature_pool import FeaturePool
from newt_core.envs.pool import make_pool
from newt_core.errors import PoolStateError
from tests.encoders.pictures import CornerEncoder
from tests.pool.toy_domain import BUILDERS, LATE, toy_spec

ONES = np.ones((2, 16), dtype=np.float32)


def steps(features: np.ndarray | None) -> list[list[int]]:
    """The toy's picture is as red as the steps since its reset: [E, F]."""
    assert features is not None
    assert features.dtype == np.float16
    assert features.shape[2] == 768
    return features[:, :, 0].astype(int).tolist()


def test_features_stand_in_the_place_of_pictures():
    pool = make_pool([toy_spec(), toy_spec()], workers=2, builders=BUILDERS, frames=1)
    with FeaturePool(pool, CornerEncoder()) as seeing:
        seeing.reset()
        assert steps(seeing.features()) == [[0], [0]]
        done = seeing.step(ONES)
        assert done.frames is None
        assert done.final_frames is None
        assert steps(done.features) == steps(done.final_features) == [[1], [1]]
        assert steps(seeing.features()) == [[1], [1]]


def test_a_stack_begins_with_copies_and_never_reaches_into_the_episode_before():
    specs = [toy_spec(length=3), toy_spec(length=9)]
    encoder = CornerEncoder()
    pool = make_pool(specs, workers=1, builders=BUILDERS, frames=1)
    with FeaturePool(pool, encoder, stack=3) as seeing:
        seeing.reset()
        assert steps(seeing.features()) == [[0, 0, 0]] * 2
        assert steps(seeing.step(ONES).features) == [[0, 0, 1]] * 2
        assert steps(seeing.step(ONES).features) == [[0, 1, 2]] * 2
        end = seeing.step(ONES)
        assert end.done.tolist() == [True, False]
        assert steps(end.final_features) == [[1, 2, 3]] * 2
        assert steps(end.features) == [[0, 0, 0], [1, 2, 3]]
        assert steps(seeing.step(ONES).features) == [[0, 0, 1], [2, 3, 4]]
    # All environments of a step go through the encoder at once, each new picture once.
    assert encoder.calls == [2, 2, 2, 3, 2]


def test_partial_replies_keep_each_environments_own_stack(tmp_path: Path):
    barrier = tmp_path / "barrier"
    specs = [toy_spec("slow", behind=str(barrier), length=50), toy_spec("fast", length=50)]
    pool = make_pool(specs, workers=2, builders=BUILDERS, frames=1)
    with FeaturePool(pool, CornerEncoder(), stack=2) as seeing:
        seeing.reset()
        barrier.touch()
        seeing.send(ONES, [0, 1])
        first = seeing.recv(1)
        assert first.env_ids.tolist() == [1]
        assert steps(first.features) == [[0, 1]]
        seeing.send(ONES[:1], [1])
        assert steps(seeing.recv(1).features) == [[1, 2]]
        barrier.unlink()
        assert steps(seeing.recv(1).features) == [[0, 1]]
        assert steps(seeing.features(np.array([1]))) == [[1, 2]]


def test_a_lost_environment_shows_its_new_episode(tmp_path: Path):
    once = str(tmp_path / "once")
    specs = [toy_spec(length=50, trouble="crash", at=LATE, once=once), toy_spec(length=50)]
    pool = make_pool(specs, workers=2, builders=BUILDERS, frames=1)
    with FeaturePool(pool, CornerEncoder(), stack=2) as seeing:
        seeing.reset()
        for _ in range(LATE - 1):
            seeing.step(ONES)
        done = seeing.step(ONES)
        assert done.lost.tolist() == [True, False]
        assert steps(done.features)[0] == steps(done.final_features)[0] == [0, 0]
        assert steps(done.features)[1] == [LATE - 1, LATE]


def test_a_pool_that_draws_nothing_cannot_see():
    with (
        FeaturePool(make_pool([toy_spec()], builders=BUILDERS), CornerEncoder()) as seeing,
        pytest.raises(PoolStateError, match="frames=1 or more"),
    ):
        seeing.reset()
