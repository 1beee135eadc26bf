"""The split between demonstrations and own experience."""

from __future__ import annotations

import pytest
import torch

from newt_core.errors import ConfigError
from newt_core.replay import Mixture, ReplayBuffer
from tests.replay.replay_episodes import assert_intact, make_episode

FIRST_DEMO = 100


@pytest.fixture
def buffers() -> tuple[ReplayBuffer, ReplayBuffer]:
    online, demos = ReplayBuffer(500), ReplayBuffer(500)
    for number in range(10):
        online.add(make_episode(number, 20))
        demos.add(make_episode(FIRST_DEMO + number, 30))
    return online, demos


@pytest.mark.parametrize(
    ("share", "batch_size", "demo_rows"),
    [(0.5, 1024, 512), (0.5, 2, 1), (0.25, 8, 2), (0.0, 16, 0), (1.0, 16, 16)],
)
def test_the_split_is_exact_in_every_batch(
    buffers: tuple[ReplayBuffer, ReplayBuffer], share: float, batch_size: int, demo_rows: int
) -> None:
    mixture = Mixture(*buffers, demo_share=share)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        batch = mixture.sample(batch_size, 3, generator)
        assert_intact(batch)
        assert batch.task.shape == (batch_size,)
        assert int((batch.obs[0, :, 0] >= FIRST_DEMO).sum()) == demo_rows


def test_half_is_the_default(buffers: tuple[ReplayBuffer, ReplayBuffer]) -> None:
    batch = Mixture(*buffers).sample(64, 3, torch.Generator().manual_seed(0))
    assert int((batch.obs[0, :, 0] >= FIRST_DEMO).sum()) == 32


def test_without_demonstrations_all_is_online(
    buffers: tuple[ReplayBuffer, ReplayBuffer],
) -> None:
    batch = Mixture(buffers[0]).sample(64, 3, torch.Generator().manual_seed(0))
    assert (batch.obs[0, :, 0] < FIRST_DEMO).all()
    assert batch.task.shape == (64,)


def test_demonstrations_alone_need_no_online_episodes(
    buffers: tuple[ReplayBuffer, ReplayBuffer],
) -> None:
    mixture = Mixture(ReplayBuffer(100), buffers[1], demo_share=1.0)
    assert_intact(mixture.sample(64, 3, torch.Generator().manual_seed(0)))


def test_a_share_outside_its_range_is_named(
    buffers: tuple[ReplayBuffer, ReplayBuffer],
) -> None:
    with pytest.raises(ConfigError, match=r"demo_share is 1\.5: it must lie in \[0, 1\]"):
        Mixture(*buffers, demo_share=1.5)
