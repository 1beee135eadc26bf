"""Files → replay buffer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from newt_core.demos.features import DemoFeatures
from newt_core.demos.load import load_demos
from newt_core.demos.opened import OpenDemos
from newt_core.demos.write import writing
from newt_core.errors import DemoError
from newt_core.replay import Mixture, ReplayBuffer
from newt_core.types import IMAGE_DIM, ByteArray, Episode, HalfArray
from tests.fixtures.demonstrations import STEPS, demo_spec, episode, write_demos

WALK, RUN = demo_spec(), demo_spec("toy-run", obs_dim=3, action_dim=1)


def test_every_drawn_row_is_a_padded_row_of_the_right_task(tmp_path: Path):
    write_demos(tmp_path, 3, WALK)
    write_demos(tmp_path, 2, RUN)
    loaded = load_demos(tmp_path, [RUN, WALK])
    assert loaded.episodes == {"toy-run": 2, "toy-walk": 3}
    assert loaded.buffer.num_episodes == 5
    assert loaded.buffer.num_steps == 5 * STEPS
    batch = loaded.buffer.sample(200, 3, torch.Generator().manual_seed(0))
    assert set(batch.task.tolist()) == {0, 1}
    for spec, index, count in ((RUN, 0, 2), (WALK, 1, 3)):
        episodes = [episode(n, spec) for n in range(count)]
        known = {row.tobytes() for one in episodes for row in one.observations}
        moves = {row.tobytes() for one in episodes for row in one.actions}
        rows = batch.task == index
        obs, action = batch.obs[:, rows].numpy(), batch.action[:, rows].numpy()
        assert not obs[..., spec.obs_dim :].any()
        assert not action[..., spec.action_dim :].any()
        for row in obs[..., : spec.obs_dim].reshape(-1, spec.obs_dim):
            assert np.ascontiguousarray(row).tobytes() in known
        for row in action[..., : spec.action_dim].reshape(-1, spec.action_dim):
            assert np.ascontiguousarray(row).tobytes() in moves


def test_tasks_without_demonstrations_are_named_and_do_no_harm(tmp_path: Path):
    write_demos(tmp_path, 1, WALK)
    with pytest.warns(UserWarning, match="no demonstrations of toy-run in"):
        loaded = load_demos(tmp_path, [RUN, WALK])
    assert loaded.missing == ("toy-run",)
    assert loaded.buffer.sample(4, 3, torch.Generator()).task.tolist() == [1] * 4


def test_half_a_batch_comes_from_them(tmp_path: Path):
    write_demos(tmp_path, 1, WALK)
    demos = load_demos(tmp_path, [WALK]).buffer
    online = ReplayBuffer(100)
    own = np.full((STEPS + 1, 128), 99, np.float32)
    zeros = np.zeros((STEPS, 16), np.float32)
    online.add(Episode(0, own, zeros, zeros[:, 0]))
    batch = Mixture(online, demos).sample(20, 3, torch.Generator().manual_seed(0))
    assert int((batch.obs[0, :, 0] == 99).sum()) == 10


def test_empty_and_missing_folders_are_refused(tmp_path: Path):
    with pytest.raises(DemoError, match="there are no demonstrations in"):
        load_demos(tmp_path, [WALK])
    with pytest.raises(DemoError, match="does not exist"):
        load_demos(tmp_path / "none", [WALK])
    write_demos(tmp_path, 1, WALK)
    with pytest.raises(DemoError, match="toy-run has no demonstrations in"):
        load_demos(tmp_path, [RUN])


class Brightness:
    """An image encoder that says how bright a picture is, everywhere in its vector."""

    name = "brightness"

    def encode(self, frames: ByteArray) -> HalfArray:
        mean = frames.mean((1, 2, 3), dtype=np.float64)
        return np.repeat(mean[:, None], IMAGE_DIM, 1).astype(np.float16)


def write_seen(folder: Path, **seen: Any) -> Path:
    """Write one episode of WALK with what is given beside it."""
    path = folder / f"{WALK.id}.h5"
    with writing(path, WALK, "scripted") as writer:
        writer.add([replace(episode(0, WALK), **seen)])
    return path


def test_pictures_reach_an_agent_that_sees_as_features(tmp_path: Path):
    shades = np.arange(STEPS + 1, dtype=np.uint8)[:, None, None, None]
    pictures = np.broadcast_to(shades, (STEPS + 1, 224, 224, 3)).copy()
    write_seen(tmp_path, rgb=lambda: pictures)
    demos = load_demos(tmp_path, [WALK], frames_as=DemoFeatures(Brightness(), 2)).buffer
    batch = demos.sample(50, 3, torch.Generator().manual_seed(0))
    assert batch.features is not None
    assert batch.features.shape == (4, 50, 2 * IMAGE_DIM)
    # Observation t shows picture t, after picture t - 1: whose row is it?
    known = {row.tobytes(): t for t, row in enumerate(episode(0, WALK).observations)}
    for step in range(4):
        for sample in range(50):
            row = batch.obs[step, sample, : WALK.obs_dim].numpy()
            t = known[np.ascontiguousarray(row).tobytes()]
            stack = batch.features[step, sample].reshape(2, IMAGE_DIM)[:, 0].tolist()
            assert stack == [max(t - 1, 0), t]
    assert load_demos(tmp_path, [WALK]).buffer.sample(4, 3, torch.Generator()).features is None


def test_features_are_taken_from_the_file_if_the_same_encoder_made_them(tmp_path: Path):
    features = np.full((STEPS + 1, IMAGE_DIM), 7, np.float16)
    path = write_seen(tmp_path, features=features, encoder="published")
    known = DemoFeatures(Brightness(), 1, frozenset({"published"}))
    batch = load_demos(tmp_path, [WALK], frames_as=known).buffer.sample(4, 3, torch.Generator())
    assert batch.features is not None
    assert (batch.features == 7).all()
    with pytest.raises(DemoError, match="published; the agent reads those by brightness"):
        load_demos(tmp_path, [WALK], frames_as=DemoFeatures(Brightness(), 1))
    with OpenDemos(tmp_path, [WALK]) as files:
        assert files.without_pictures() == []
        files.require_pictures()

    path.unlink()
    write_demos(tmp_path, 1, WALK)
    with OpenDemos(tmp_path, [RUN, WALK]) as files:
        assert files.missing == (RUN.id,)
        assert files.without_pictures() == [path]
        with pytest.raises(DemoError, match=r"toy-walk\.h5 holds no pictures\. Record"):
            files.require_pictures()
    with pytest.raises(DemoError, match=r"toy-walk\.h5: episode_0: it holds no pictures\. Record"):
        load_demos(tmp_path, [WALK], frames_as=known)


def test_a_damaged_file_stops_the_loading(tmp_path: Path):
    path = write_demos(tmp_path, 1, WALK)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DemoError, match="cut short"):
        load_demos(tmp_path, [WALK])
