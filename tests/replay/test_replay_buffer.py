"""The contract of the replay buffer, the same for every storage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from newt_core.errors import ConfigError, EnvironmentFailure
from newt_core.replay import Batch, ReplayBuffer
from newt_core.replay.storage import open_storage
from newt_core.types import Episode
from tests.replay.replay_episodes import assert_intact, make_episode, stored_numbers

STORAGES = [
    "ram",
    "disk",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    ),
]


def make_buffer(
    storage: str, capacity: int, tmp_path: Path, sampling: str = "steps"
) -> ReplayBuffer:
    folder = tmp_path / "replay" if storage == "disk" else None
    return ReplayBuffer(capacity, storage=storage, folder=folder, sampling=sampling, device="cpu")


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("sampling", ["steps", "episodes", "tasks"])
def test_batches_are_pieces_of_what_was_written(
    storage: str, sampling: str, tmp_path: Path
) -> None:
    buffer = make_buffer(storage, 500, tmp_path, sampling=sampling)
    generator = torch.Generator().manual_seed(1)
    lengths = np.random.default_rng(1).integers(1, 60, size=120)
    for number, length in enumerate(lengths.tolist()):
        buffer.add(make_episode(number, length))
        if number >= 5:  # the first lap, wrapping, and several more laps
            for horizon in (1, 3):
                assert_intact(buffer.sample(64, horizon, generator))


@pytest.mark.parametrize("storage", STORAGES)
def test_batch_shapes_and_types(storage: str, tmp_path: Path) -> None:
    buffer = make_buffer(storage, 100, tmp_path)
    buffer.add(make_episode(0, 20))
    batch = buffer.sample(7, 3, torch.Generator().manual_seed(0))
    assert batch.obs.shape == (4, 7, 128)
    assert batch.action.shape == (3, 7, 16)
    assert batch.reward.shape == (3, 7)
    assert batch.task.shape == (7,)
    assert batch.obs.dtype == batch.action.dtype == batch.reward.dtype == torch.float32
    assert batch.task.dtype == torch.int64


def test_a_whole_episode_can_be_drawn() -> None:
    buffer = ReplayBuffer(100)
    buffer.add(make_episode(4, 30))
    batch = buffer.sample(5, 30, torch.Generator().manual_seed(0))
    assert_intact(batch)
    assert (batch.obs[0, :, 1] == 0).all()


def test_the_oldest_episodes_go_first() -> None:
    # Rows: an episode of 9 steps takes 10, so four of them fit into 45 and 5 rows stay unused.
    buffer = ReplayBuffer(45)
    for number in range(4):
        buffer.add(make_episode(number, 9))
    assert stored_numbers(buffer) == [0, 1, 2, 3]
    buffer.add(make_episode(4, 9))
    assert stored_numbers(buffer) == [1, 2, 3, 4]
    # 25 rows from row 10 on: those of episodes 1, 2 and 3, of the last only a part.
    buffer.add(make_episode(5, 24))
    assert stored_numbers(buffer) == [4, 5]
    assert (buffer.num_episodes, buffer.num_steps) == (2, 9 + 24)


def test_the_shortest_episodes_take_two_rows_each() -> None:
    buffer = ReplayBuffer(8, storage="ram")
    for number in range(9):
        buffer.add(make_episode(number, 1))
    assert stored_numbers(buffer) == [5, 6, 7, 8]


def test_older_episodes_in_the_tail_go_before_younger_ones() -> None:
    buffer = ReplayBuffer(40)
    for number in range(4):
        buffer.add(make_episode(number, 9))  # rows 0, 10, 20, 30
    buffer.add(make_episode(4, 9))  # over episode 0
    # 35 rows do not fit behind row 10: they begin at row 0, and all else is in their way.
    buffer.add(make_episode(5, 34))
    assert stored_numbers(buffer) == [5]


def test_what_is_kept_is_always_the_latest_run_of_episodes() -> None:
    buffer = ReplayBuffer(300)
    lengths = np.random.default_rng(3).integers(1, 80, size=60).tolist()
    for number, length in enumerate(lengths):
        buffer.add(make_episode(number, length))
        kept = range(number + 1 - buffer.num_episodes, number + 1)
        assert stored_numbers(buffer) == list(kept)
        assert buffer.num_steps == sum(lengths[i] for i in kept)
        # Never more than an incoming episode plus an unused tail is given up.
        assert number < 5 or buffer.num_steps + buffer.num_episodes > 300 - 3 * 80


def test_same_seed_same_batches_whatever_the_storage(tmp_path: Path) -> None:
    batches: list[list[Batch]] = []
    for storage in ("ram", "ram", "disk"):
        buffer = make_buffer(storage, 200, tmp_path)
        for number in range(12):
            buffer.add(make_episode(number, 10 + number))
        generator = torch.Generator().manual_seed(7)
        batches.append([buffer.sample(32, 3, generator) for _ in range(3)])
    for first, second, on_disk in zip(*batches, strict=True):
        assert torch.equal(first.obs, second.obs)
        assert torch.equal(first.obs, on_disk.obs)
    assert not torch.equal(batches[0][0].obs, batches[0][1].obs)


def test_sampling_leaves_the_global_random_states_alone() -> None:
    buffer = ReplayBuffer(100)
    buffer.add(make_episode(0, 20))
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state(legacy=False)
    buffer.sample(16, 3, torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert str(np.random.get_state(legacy=False)) == str(numpy_state)


def test_ten_million_steps_take_less_than_seven_gigabytes(tmp_path: Path) -> None:
    capacity = 10_000_000
    storage = open_storage("disk", capacity, tmp_path / "replay")
    columns = (storage.obs, storage.action, storage.reward)
    in_memory = sum(c.numel() * c.element_size() for c in columns) + storage.entries.nbytes
    files = list((tmp_path / "replay").glob("*.bin"))
    assert in_memory == sum(file.stat().st_size for file in files)
    assert in_memory < 7e9


def test_an_empty_buffer_takes_no_disk(tmp_path: Path) -> None:
    buffer = make_buffer("disk", 10_000_000, tmp_path)
    buffer.add(make_episode(0, 100))
    files = [file.stat() for file in (tmp_path / "replay").iterdir()]
    # A file system in memory gives room to what was only read, too: the table of episodes.
    assert sum(file.st_blocks * 512 for file in files) < 0.05 * sum(file.st_size for file in files)


def test_empty_buffer_and_too_long_horizon_are_named() -> None:
    buffer = ReplayBuffer(100)
    generator = torch.Generator()
    with pytest.raises(ConfigError, match="replay buffer is empty"):
        buffer.sample(4, 3, generator)
    buffer.add(make_episode(0, 20))
    buffer.add(make_episode(1, 25))
    with pytest.raises(ConfigError, match=r"horizon 26 .* longest has 25 steps"):
        buffer.sample(4, 26, generator)
    for batch_size, horizon in ((0, 3), (4, 0)):
        with pytest.raises(ConfigError, match="must be 1 or more"):
            buffer.sample(batch_size, horizon, generator)


def test_short_episodes_are_passed_over_by_long_horizons() -> None:
    for sampling in ("steps", "episodes", "tasks"):
        buffer = ReplayBuffer(100, sampling=sampling)
        buffer.add(make_episode(0, 5))
        buffer.add(make_episode(1, 12))
        batch = buffer.sample(50, 6, torch.Generator().manual_seed(0))
        assert_intact(batch)
        assert (batch.task == 1).all()


def test_clear_forgets_everything() -> None:
    buffer = ReplayBuffer(100)
    buffer.add(make_episode(0, 20))
    buffer.clear()
    assert (buffer.num_episodes, buffer.num_steps) == (0, 0)
    buffer.add(make_episode(1, 20))
    assert stored_numbers(buffer) == [1]


def test_malformed_episodes_are_refused_and_change_nothing() -> None:
    buffer = ReplayBuffer(50)
    buffer.add(make_episode(0, 20))
    good = make_episode(1, 10)
    with pytest.raises(ConfigError, match=r"obs is float32 \(10, 128\), expected .*\(11, 128\)"):
        buffer.add(Episode(1, good.obs[:-1], good.action, good.reward))
    with pytest.raises(ConfigError, match="reward is float64"):
        buffer.add(Episode(1, good.obs, good.action, good.reward.astype(np.float64)))
    with pytest.raises(ConfigError, match=r"has 50 steps: the replay buffer holds .* 1 to 49"):
        buffer.add(make_episode(1, 50))
    with pytest.raises(ConfigError, match="task -1: a task index is 0 or more"):
        buffer.add(make_episode(1, 10, task=-1))
    good.reward[3] = np.nan
    with pytest.raises(EnvironmentFailure, match=r"task 1: reward .* not finite"):
        buffer.add(good)
    assert stored_numbers(buffer) == [0]


def test_read_only_arrays_are_accepted() -> None:
    buffer = ReplayBuffer(50)
    episode = make_episode(0, 10)
    for array in (episode.obs, episode.action, episode.reward):
        array.flags.writeable = False
    buffer.add(episode)
    assert stored_numbers(buffer) == [0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"capacity": 1}, "capacity is 1"),
        ({"capacity": 9, "sampling": "step"}, "Did you mean 'steps'"),
        ({"capacity": 9, "storage": "dsk"}, "Did you mean 'disk'"),
        ({"capacity": 9, "storage": "disk"}, "needs a folder"),
        ({"capacity": 9, "storage": "ram", "folder": Path("x")}, "uses no folder"),
    ],
)
def test_wrong_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ReplayBuffer(**settings)
