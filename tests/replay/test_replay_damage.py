"""What has become of a replay's files between two runs is noticed when the second one begins."""

from __future__ import annotations

import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from newt_core.errors import NewtError, RunFolderError
from newt_core.replay import ReplayBuffer
from newt_core.replay.ledger import require_replay
from tests.fixtures.trainers import differences
from tests.replay.replay_episodes import make_episode, stored_numbers

EPISODES = 8
STEPS = 9


def filled(folder: Path, first: int = 0) -> tuple[ReplayBuffer, dict[str, Any]]:
    """A buffer of eight episodes with room for ten, and its state."""
    buffer = ReplayBuffer(100, storage="disk", folder=folder)
    for number in range(first, first + EPISODES):
        buffer.add(make_episode(number, STEPS))
    return buffer, buffer.state_dict()


def reopened(folder: Path, state: dict[str, Any]) -> ReplayBuffer:
    """The buffer of a run that goes on."""
    buffer = ReplayBuffer(100, storage="disk", folder=folder, restoring=True)
    buffer.load_state_dict(state)
    return buffer


def flip(path: Path, byte: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1 << bit
    path.write_bytes(content)


@pytest.mark.parametrize(("file", "row_bytes"), [("obs", 512), ("action", 64), ("reward", 4)])
def test_a_flipped_bit_costs_its_episode_and_is_said(
    file: str, row_bytes: int, tmp_path: Path
) -> None:
    _, state = filled(tmp_path)
    flip(tmp_path / f"{file}.bin", row_bytes * (3 * (STEPS + 1) + 4) + 2)  # in the fourth episode
    with pytest.warns(UserWarning, match=f"1 of 8 episodes in {tmp_path} are damaged"):
        again = reopened(tmp_path, state)
    assert stored_numbers(again) == [0, 1, 2, 4, 5, 6, 7]
    assert again.damaged_episodes == 1
    # It is counted for good, not lost a second time, and its place is used again.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        later = reopened(tmp_path, again.state_dict())
    assert (later.damaged_episodes, later.num_steps) == (1, 7 * STEPS)
    for number in range(20, 30):
        later.add(make_episode(number, STEPS))
    assert stored_numbers(later) == list(range(20, 30))


def test_any_bit_of_the_table_can_be_wrong(tmp_path: Path) -> None:
    buffer, state = filled(tmp_path / "whole")
    expected = stored_numbers(buffer)
    used = range(32, 32 * (EPISODES + 1))  # the first entry is of no episode yet
    for byte in random.Random(0).sample(used, 60):
        for bit in (0, 7):
            folder = tmp_path / "damaged"
            shutil.copytree(tmp_path / "whole", folder)
            flip(folder / "episodes.bin", byte, bit)
            assert stored_numbers(reopened(folder, state)) == expected, (byte, bit)
            shutil.rmtree(folder)


def emptied(folder: Path) -> None:
    for path in folder.glob("*.bin"):
        path.write_bytes(bytes(path.stat().st_size))


def of_another_run(folder: Path) -> None:
    shutil.rmtree(folder)
    filled(folder, first=50)


def begun_anew(folder: Path) -> None:
    shutil.rmtree(folder)
    ReplayBuffer(100, storage="disk", folder=folder)


@pytest.mark.parametrize("damage", [emptied, of_another_run, begun_anew])
def test_nothing_left_is_no_new_beginning(damage: Callable[[Path], None], tmp_path: Path) -> None:
    folder = tmp_path / "replay"
    _, state = filled(folder)
    damage(folder)
    with pytest.raises(RunFolderError, match=r"emptied or is another run's: .* 8 episodes that"):
        reopened(folder, state)


def test_an_older_copy_has_what_it_has(tmp_path: Path) -> None:
    buffer, _ = filled(tmp_path / "now")
    shutil.copytree(tmp_path / "now", tmp_path / "older")
    for number in range(EPISODES, EPISODES + 2):
        buffer.add(make_episode(number, STEPS))
    with pytest.warns(UserWarning, match="2 of 10 episodes .* are damaged"):
        again = reopened(tmp_path / "older", buffer.state_dict())
    assert stored_numbers(again) == list(range(EPISODES))


def test_a_state_without_checksums_is_taken_and_said_once(tmp_path: Path) -> None:
    buffer, state = filled(tmp_path)
    old = {key: state[key] for key in ("version", "capacity", "next_sequence")}
    with pytest.warns(UserWarning, match="without checksums") as said:
        again = reopened(tmp_path, old)
    assert len(said) == 1
    assert stored_numbers(again) == stored_numbers(buffer)
    # From the next checkpoint on they have some.
    assert differences(again.state_dict(), state) == []


def test_the_older_state_needs_its_table(tmp_path: Path) -> None:
    _, state = filled(tmp_path)
    old = {key: state[key] for key in ("version", "capacity", "next_sequence")}
    flip(tmp_path / "episodes.bin", 32 + 7, 6)  # an episode's number: beyond what len() takes
    with pytest.raises(RunFolderError, match="table of episodes is damaged"):
        reopened(tmp_path, old)
    with pytest.raises(RunFolderError, match="table of episodes is damaged"):
        ReplayBuffer(100, storage="disk", folder=tmp_path)


def test_a_replay_that_was_in_memory_is_missed_nowhere(tmp_path: Path) -> None:
    memory = ReplayBuffer(100)
    memory.add(make_episode(0, STEPS))
    require_replay(tmp_path / "none", memory.state_dict(), Path("last.pt"))
    again = reopened(tmp_path / "new", memory.state_dict())
    assert again.num_episodes == 0


def test_a_folder_that_is_gone_is_missed(tmp_path: Path) -> None:
    _, state = filled(tmp_path / "replay")
    require_replay(tmp_path / "replay", state, Path("last.pt"))
    (tmp_path / "replay/replay.json").unlink()
    with pytest.raises(NewtError, match=r"replay\.json is missing, and last\.pt counts on 8"):
        require_replay(tmp_path / "replay", state, Path("last.pt"))
    shutil.rmtree(tmp_path / "replay")
    with pytest.raises(NewtError, match=r"replay is missing.*\n.*--no-save-replay, or begin an"):
        require_replay(tmp_path / "replay", state, Path("last.pt"))
