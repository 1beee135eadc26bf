"""Pictures' features in the replay buffer: in half precision, each once, stacked when drawn."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from newt_core.errors import ConfigError, EnvironmentFailure, RunFolderError
from newt_core.replay import Mixture, ReplayBuffer
from newt_core.replay.storage import columns
from newt_core.types import Episode
from tests.replay.replay_episodes import assert_intact, make_episode


def seen_episode(number: int, length: int) -> Episode:
    """Feature entry 0 is the episode, entry 1 the step, the others fractions of their own."""
    features = np.random.default_rng(number).normal(size=(length + 1, 768)).astype(np.float16)
    features[:, 0] = number
    features[:, 1] = np.arange(length + 1)
    return dataclasses.replace(make_episode(number, length), features=features)


@pytest.mark.parametrize("storage", ["ram", "disk"])
def test_features_come_back_bit_for_bit(storage: str, tmp_path: Path):
    folder = tmp_path / "replay" if storage == "disk" else None
    buffer = ReplayBuffer(60, storage=storage, folder=folder, feature_stack=1)
    episodes = {number: seen_episode(number, 9) for number in range(8)}
    for episode in episodes.values():
        buffer.add(episode)
    batch = buffer.sample(64, 3, torch.Generator().manual_seed(0))
    assert_intact(batch)
    assert batch.features is not None
    assert batch.features.dtype == torch.float16
    assert batch.features.shape == (4, 64, 768)
    for b in range(64):
        for t in range(4):
            number, step = (int(x) for x in batch.obs[t, b, :2])
            stored = episodes[number].features
            assert stored is not None
            assert np.array_equal(batch.features[t, b].numpy(), stored[step])


def test_a_stack_goes_back_in_time_and_stops_at_the_episodes_begin():
    buffer = ReplayBuffer(100, feature_stack=3)
    for number in range(5):
        buffer.add(seen_episode(number, 12))
    image = buffer.sample(200, 2, torch.Generator().manual_seed(1)).features
    assert image is not None
    assert image.shape == (3, 200, 3 * 768)
    stack = image.view(3, 200, 3, 768)
    assert (stack[..., 0] == stack[:, :, -1:, 0]).all()  # one episode
    newest = stack[:, :, -1, 1]
    assert torch.equal(stack[:, :, 1, 1], (newest - 1).clamp(min=0))
    assert torch.equal(stack[:, :, 0, 1], (newest - 2).clamp(min=0))
    assert (newest == 0).any()


def test_a_feature_costs_two_bytes_per_entry():
    without, seen = (sum(c.row_bytes for c in columns(features=f).values()) for f in (False, True))
    assert seen - without == 768 * 2


def test_features_survive_the_process_and_the_folder_knows_them(tmp_path: Path):
    folder = tmp_path / "replay"
    buffer = ReplayBuffer(60, storage="disk", folder=folder, feature_stack=1)
    buffer.add(seen_episode(3, 9))
    again = ReplayBuffer(60, storage="disk", folder=folder, feature_stack=2)
    image = again.sample(4, 9, torch.Generator().manual_seed(0)).features
    assert image is not None
    assert torch.equal(image[:, 0, 769], torch.arange(10, dtype=torch.float16))
    with pytest.raises(RunFolderError, match="image_dim 768, this run 0"):
        ReplayBuffer(60, storage="disk", folder=folder)


def test_a_folder_from_before_there_were_pictures_still_opens(tmp_path: Path):
    folder = tmp_path / "replay"
    ReplayBuffer(60, storage="disk", folder=folder).add(make_episode(0, 9))
    header = folder / "replay.json"
    header.write_text(header.read_text().replace('"image_dim": 0', '"unknown": 0'))
    assert ReplayBuffer(60, storage="disk", folder=folder).num_episodes == 1


def test_what_does_not_fit_is_refused():
    good = seen_episode(0, 9)
    assert good.features is not None
    with pytest.raises(ConfigError, match="keeps none"):
        ReplayBuffer(60).add(good)
    buffer = ReplayBuffer(60, feature_stack=1)
    with pytest.raises(ConfigError, match="no image features"):
        buffer.add(make_episode(0, 9))
    with pytest.raises(ConfigError, match="expected float16"):
        buffer.add(dataclasses.replace(good, features=good.features.astype(np.float32)))
    bad = good.features.copy()
    bad[4, 7] = np.inf
    with pytest.raises(EnvironmentFailure, match="features holds"):
        buffer.add(dataclasses.replace(good, features=bad))
    assert buffer.num_episodes == 0


def test_a_mixture_joins_features():
    demos, online = ReplayBuffer(60, feature_stack=2), ReplayBuffer(60, feature_stack=2)
    demos.add(seen_episode(7, 9))
    online.add(seen_episode(1, 9))
    batch = Mixture(online, demos).sample(8, 3, torch.Generator().manual_seed(0))
    assert batch.features is not None
    assert batch.features[0, :, 0].tolist() == [7] * 4 + [1] * 4
    with pytest.raises(ConfigError, match="--obs"):
        Mixture(online, ReplayBuffer(60))
