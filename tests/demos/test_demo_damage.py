"""Damaged files: a clear error or whole episodes, never wrong data and never a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from newt_core.demos.read import open_demos, read_demos
from newt_core.demos.recover import recover
from newt_core.demos.validate import validate
from newt_core.errors import DamagedDemoError, DemoError
from tests.fixtures.demonstrations import assert_same, demo_spec, episode, library, write_demos

SPEC = demo_spec()
EPISODES = 6


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_demos(tmp_path_factory.mktemp("whole"), EPISODES).read_bytes()


def test_cut_at_any_byte_is_a_clear_error(content, tmp_path: Path):
    path = tmp_path / "toy-walk.h5"
    cuts = {*range(0, 520), *range(520, len(content), 97), len(content) - 1}
    for cut in sorted(cuts):
        path.write_bytes(content[:cut])
        with pytest.raises(DamagedDemoError, match=r"cut short|empty"):
            list(read_demos(path, SPEC))


def test_a_changed_byte_anywhere_is_a_clear_error(content, tmp_path: Path):
    path = tmp_path / "toy-walk.h5"
    for place in {*range(0, 512, 7), *range(512, len(content), 61)}:
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        with pytest.raises(DemoError):
            list(read_demos(path, SPEC))


def test_validate_says_which_episodes_a_cut_took(content, tmp_path: Path):
    path = tmp_path / "toy-walk.h5"
    path.write_bytes(content[:-1200])
    report = validate(path, library())
    assert not report.ok
    assert "cut short" in report.problems[0].problem
    broken = [problem.episode for problem in report.problems[1:]]
    assert 0 < len(broken) < EPISODES
    assert report.whole == EPISODES - len(broken)
    assert broken[-1] == "episode_5"
    assert "episode_0" not in broken


def test_validate_says_which_episode_a_changed_byte_hit(content, tmp_path: Path):
    path = write_demos(tmp_path, EPISODES)
    import h5py

    with h5py.File(path, "r") as file:
        chunk = file["episode_3/observations"].id.get_chunk_info(0)
    damaged = bytearray(path.read_bytes())
    damaged[chunk.byte_offset + 40] ^= 1
    path.write_bytes(damaged)
    report = validate(path, library())
    assert [problem.episode for problem in report.problems] == [None, "episode_3"]
    assert "checksum does not match" in report.problems[0].problem
    assert report.whole == EPISODES - 1


@pytest.mark.parametrize("seed", range(12))
def test_random_corruptions_never_give_wrong_data(content, tmp_path: Path, seed):
    path, rescued = tmp_path / "toy-walk.h5", tmp_path / "rescued.h5"
    damaged = corrupted(content, random.Random(seed))
    path.write_bytes(damaged)
    with pytest.raises(DemoError) as caught:
        list(read_demos(path, SPEC))
    assert str(caught.value).startswith(str(path))
    rest = recover(path, rescued)
    assert rest.reason or len(rest.whole) + len(rest.damaged) == EPISODES
    if rest.whole:
        with open_demos(rescued) as file:
            for place, name in enumerate(rest.whole):
                assert_same(file.episode(place), episode(int(name.removeprefix("episode_"))))


def corrupted(content: bytes, dice: random.Random) -> bytes:
    """One of the ways in which files go wrong."""
    data = bytearray(content)
    place = dice.randrange(len(data))
    length = dice.randrange(1, 200)
    match dice.randrange(5):
        case 0:
            data[place] ^= 1 << dice.randrange(8)
        case 1:
            data[place : place + length] = bytes(len(data[place : place + length]))
        case 2:
            data[place : place + length] = dice.randbytes(len(data[place : place + length]))
            data[place] ^= 1
        case 3:
            del data[place:]
        case 4:
            data[place:place] = dice.randbytes(length)
    assert bytes(data) != content
    return bytes(data)


def test_what_is_left_of_a_foreign_file_is_nothing(tmp_path: Path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"not HDF5 at all" * 100)
    rest = recover(path)
    assert rest.whole == ()
    assert rest.reason
