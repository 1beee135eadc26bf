"""A buffer on disk outlives its process, however that ends."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

import newt_core.types
from newt_core.errors import CheckpointError, NewtError, RunFolderError
from newt_core.replay import ReplayBuffer
from newt_core.replay.storage import DiskStorage
from newt_core.replay.table import EpisodeTable
from tests.fixtures.trainers import differences
from tests.replay import replay_episodes
from tests.replay.replay_episodes import assert_intact, kill_length, make_episode, stored_numbers


def open_buffer(folder: Path, capacity: int = 100) -> ReplayBuffer:
    return ReplayBuffer(capacity, storage="disk", folder=folder)


def test_reopening_brings_everything_back(tmp_path: Path) -> None:
    buffer = open_buffer(tmp_path)
    for number in range(30):
        buffer.add(make_episode(number, 5 + number % 7))
    again = open_buffer(tmp_path)
    assert stored_numbers(again) == stored_numbers(buffer)
    assert (again.num_steps, again.num_episodes) == (buffer.num_steps, buffer.num_episodes)
    # And it goes on where it stopped: the same draws, now and after the same additions.
    for number in range(30, 40):
        again.add(make_episode(number, 8))
        buffer.add(make_episode(number, 8))
    batch, same = (b.sample(50, 3, torch.Generator().manual_seed(0)) for b in (again, buffer))
    assert torch.equal(batch.obs, same.obs)


def test_restore_drops_later_episodes_and_misses_overwritten_ones(tmp_path: Path) -> None:
    buffer = open_buffer(tmp_path)  # room for ten episodes of 9 steps
    for number in range(8):
        buffer.add(make_episode(number, 9))
    state = buffer.state_dict()
    for number in range(8, 13):  # 8 and 9 fit; 10, 11 and 12 overwrite 0, 1 and 2
        buffer.add(make_episode(number, 9))
    again = open_buffer(tmp_path)
    with pytest.warns(UserWarning, match="3 of 8 episodes .* made room for newer ones"):
        again.load_state_dict(state)
    assert stored_numbers(again) == [3, 4, 5, 6, 7]
    assert again.damaged_episodes == 0
    assert again.num_steps == 5 * 9
    for number in range(50, 60):
        again.add(make_episode(number, 9))
        assert_intact(again.sample(100, 3, torch.Generator().manual_seed(number)))
    assert stored_numbers(again) == list(range(50, 60))


def test_restore_when_everything_was_overwritten(tmp_path: Path) -> None:
    buffer = open_buffer(tmp_path)
    for number in range(8):
        buffer.add(make_episode(number, 9))
    state = buffer.state_dict()
    for number in range(8, 40):
        buffer.add(make_episode(number, 9))
    with pytest.warns(UserWarning, match="8 of 8 episodes .* made room"):
        buffer.load_state_dict(state)
    assert buffer.num_episodes == 0
    # Killed before another episode, and again:
    again = open_buffer(tmp_path)
    with pytest.warns(UserWarning, match="8 of 8 episodes .* made room"):
        again.load_state_dict(state)
    assert again.num_episodes == 0
    # Episodes added after a restore are again later than that checkpoint.
    buffer.add(make_episode(99, 9))
    assert stored_numbers(open_buffer(tmp_path)) == [99]
    with pytest.warns(UserWarning, match="8 of 8 episodes .* made room"):
        buffer.load_state_dict(state)
    assert buffer.num_episodes == 0


def test_a_buffer_in_memory_is_empty_after_a_restart() -> None:
    buffer = ReplayBuffer(100)
    buffer.add(make_episode(0, 9))
    state = buffer.state_dict()
    buffer.add(make_episode(1, 9))
    buffer.load_state_dict(state)
    assert stored_numbers(buffer) == [0]
    restarted = ReplayBuffer(100)
    restarted.load_state_dict(state)
    assert restarted.num_episodes == 0
    restarted.add(make_episode(2, 9))
    assert stored_numbers(restarted) == [2]


def test_the_state_is_small_and_plain(tmp_path: Path) -> None:
    buffer = open_buffer(tmp_path / "replay")
    torch.save(buffer.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert differences(state, buffer.state_dict()) == []
    assert state["episodes"].shape == (0, 4)
    assert all(isinstance(value, int) for key, value in state.items() if key != "episodes")


def test_clear_lasts(tmp_path: Path) -> None:
    buffer = open_buffer(tmp_path)
    buffer.add(make_episode(0, 9))
    buffer.clear()
    assert open_buffer(tmp_path).num_episodes == 0


class CutShortError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("when", ["after eviction", "amid the rows", "before the entry", "after"])
def test_an_addition_cut_short_leaves_intact_episodes_only(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = open_buffer(tmp_path)
    for number in range(14):  # four more than fit: the next one overwrites episode 4
        buffer.add(make_episode(number, 9))

    whole_write = DiskStorage.write

    def cut_write(self: DiskStorage, start: int, episode: newt_core.types.Episode) -> None:
        if when == "amid the rows":
            self.obs[start : start + 5] = torch.from_numpy(episode.obs[:5])
        elif when == "before the entry":
            whole_write(self, start, episode)
        raise CutShortError

    with monkeypatch.context() as patch:
        if when == "after":
            buffer.add(make_episode(14, 9))
        else:
            patch.setattr(DiskStorage, "write", cut_write)
            with pytest.raises(CutShortError):
                buffer.add(make_episode(14, 9))
    again = open_buffer(tmp_path)
    last = 14 if when == "after" else 13
    assert stored_numbers(again) == list(range(5, last + 1))
    assert_intact(again.sample(500, 1, torch.Generator().manual_seed(0)))
    again.add(make_episode(14, 9))
    assert_intact(again.sample(500, 1, torch.Generator().manual_seed(0)))


def test_a_half_written_entry_does_not_count(tmp_path: Path) -> None:
    buffer = open_buffer(tmp_path)
    buffer.add(make_episode(0, 9))
    entries = buffer._storage.entries
    entries[2, 1:] = (10, 9, 1)  # the fields of the second episode, but no sequence number
    assert stored_numbers(open_buffer(tmp_path)) == [0]


def test_kill_at_any_moment_leaves_a_restorable_buffer(tmp_path: Path) -> None:
    capacity, first, rounds = 3_000, 0, 4
    folder = tmp_path / "replay"
    root = Path(newt_core.types.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    moments = random.Random(0)
    for _ in range(rounds):
        writer = subprocess.Popen(
            [sys.executable, replay_episodes.__file__, str(folder), str(capacity), str(first)],
            stdout=subprocess.PIPE,
            env=environment,
        )
        with writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"writing\n"
            time.sleep(moments.uniform(0.0, 0.2))
            writer.send_signal(signal.SIGKILL)
        assert writer.returncode == -signal.SIGKILL

        buffer = open_buffer(folder, capacity)
        if buffer.num_episodes == 0:
            continue
        kept = stored_numbers(buffer)
        assert kept == list(range(kept[0], kept[-1] + 1))
        assert buffer.num_steps == sum(kill_length(number) for number in kept)
        assert kept[0] == 0 or buffer.num_steps > capacity / 2
        assert_intact(buffer.sample(20_000, 3, torch.Generator().manual_seed(0)))
        first = kept[-1] + 1
    assert first > 50, "the processes were killed before they wrote anything of note"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", 0, "has version 0, this run 1"),
        ("obs_dim", 64, "has obs_dim 64, this run 128"),
        ("action_dim", 6, "has action_dim 6, this run 16"),
    ],
)
def test_folders_of_another_shape_are_refused(
    key: str, value: int, message: str, tmp_path: Path
) -> None:
    open_buffer(tmp_path)
    header = json.loads((tmp_path / "replay.json").read_text())
    (tmp_path / "replay.json").write_text(json.dumps(header | {key: value}))
    with pytest.raises(RunFolderError, match=message):
        open_buffer(tmp_path)


def test_another_capacity_is_refused(tmp_path: Path) -> None:
    buffer = open_buffer(tmp_path)
    with pytest.raises(RunFolderError, match=r"has capacity 100, this run 200"):
        open_buffer(tmp_path, capacity=200)
    with pytest.raises(CheckpointError, match="has capacity 100, this one 200"):
        ReplayBuffer(200).load_state_dict(buffer.state_dict())


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    for name, damage in {
        "obs.bin": lambda path: os.truncate(path, 100),
        "reward.bin": lambda path: path.unlink(),
        "replay.json": lambda path: path.write_text("{"),
    }.items():
        folder = tmp_path / name
        open_buffer(folder)
        damage(folder / name)
        with pytest.raises(NewtError, match=f"{name}: .* --no-save-replay"):
            open_buffer(folder)


def test_a_table_that_points_outside_the_rows_is_refused(tmp_path: Path) -> None:
    buffer = open_buffer(tmp_path)
    EpisodeTable(buffer._storage.entries).append(start=95, length=9, task=0)
    with pytest.raises(RunFolderError, match="table of episodes is damaged"):
        open_buffer(tmp_path)


def test_a_folder_whose_creation_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "obs.bin").write_bytes(b"only this file, and no header")
    buffer = open_buffer(tmp_path)
    buffer.add(make_episode(0, 9))
    assert stored_numbers(open_buffer(tmp_path)) == [0]


def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = open_buffer(tmp_path)
    buffer.add(make_episode(0, 9))

    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(
        RunFolderError, match=r"obs\.bin: No space left on device, .* --no-save-replay"
    ):
        buffer.add(make_episode(1, 9))
    assert stored_numbers(buffer) == [0]


def test_a_folder_that_was_made_and_not_yet_used_can_be_opened(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(np, "memmap", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            DiskStorage(tmp_path / "replay", 10)
    assert DiskStorage(tmp_path / "replay", 10).obs.shape == (10, newt_core.types.STATE_DIM)


def test_damage_after_a_resume_is_noticed_by_the_next_one(tmp_path):
    buffer = open_buffer(tmp_path)
    for number in range(4):
        buffer.add(make_episode(number, 9))
    again = open_buffer(tmp_path)
    again.load_state_dict(buffer.state_dict())
    again._storage.reward[20] += 1  # of the third episode
    state = again.state_dict()
    last = open_buffer(tmp_path)
    with pytest.warns(UserWarning, match="1 of 4 episodes .* damaged"):
        last.load_state_dict(state)
    assert stored_numbers(last) == [0, 1, 3]


def test_a_checkpoint_of_episodes_in_memory_leaves_none_on_the_disk(tmp_path):
    memory = ReplayBuffer(100)
    memory.add(make_episode(0, 9))
    disk = open_buffer(tmp_path)
    for number in range(5):
        disk.add(make_episode(number, 9))
    disk.load_state_dict(memory.state_dict())
    assert (disk.num_episodes, disk.num_steps) == (0, 0)
    disk.add(make_episode(7, 9))
    assert stored_numbers(disk) == [7]
    assert stored_numbers(open_buffer(tmp_path)) == [7]
