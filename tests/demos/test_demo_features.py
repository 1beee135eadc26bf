"""Features of pictures, kept beside the demonstrations."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import create_autospec

import h5py
import numpy as np
import pytest
import torch

from newt_core.demos import feature_files as features_module
from newt_core.demos.feature_files import features_path, keeping_features, read_features
from newt_core.demos.features import DemoFeatures
from newt_core.demos.folder import demo_files
from newt_core.demos.load import load_demos
from newt_core.demos.read import open_demos
from newt_core.demos.validate import validate
from newt_core.demos.write import write_file, writing
from newt_core.errors import DemoError
from newt_core.files import take_lock
from newt_core.types import IMAGE_DIM, ByteArray, HalfArray
from tests.fixtures.demonstrations import STEPS, demo_spec, episode, library

WALK = demo_spec()
ROWS = STEPS + 1


class Counting:
    """An image encoder that says how bright a picture is, and counts what it was shown."""

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.seen: Counter[int] = Counter()

    def encode(self, frames: ByteArray) -> HalfArray:
        shades = frames[:, 0, 0, 0]
        self.seen.update(shades.tolist())
        return np.repeat(shades[:, None], IMAGE_DIM, 1).astype(np.float16)


def write_seen(folder: Path, *numbers: int) -> Path:
    """Add episodes with pictures; every picture of all of them has a shade of its own."""
    path = folder / f"{WALK.id}.h5"
    with writing(path, WALK, "scripted", append=True) as writer:
        for number in numbers:
            shades = np.arange(ROWS, dtype=np.uint8) + ROWS * number
            pictures = np.broadcast_to(shades[:, None, None, None], (ROWS, 224, 224, 3)).copy()
            writer.add([replace(episode(number, WALK), rgb=partial(np.copy, pictures))])
    return path


def load(folder: Path, encoder: Counting) -> bytes:
    """Load the demonstrations, and return a batch of them."""
    buffer = load_demos(folder, [WALK], frames_as=DemoFeatures(encoder, 2)).buffer
    batch = buffer.sample(64, 3, torch.Generator().manual_seed(0))
    assert batch.features is not None
    parts = (batch.obs, batch.action, batch.reward, batch.task, batch.features)
    return b"".join(part.numpy().tobytes() for part in parts)


def once(*numbers: int) -> Counter[int]:
    """The shades of some episodes' pictures, each once."""
    return Counter(ROWS * number + row for number in numbers for row in range(ROWS))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def no_warnings() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_every_picture_is_encoded_once_for_all_commands(tmp_path: Path):
    path = write_seen(tmp_path, 0, 1)
    untouched = path.read_bytes()
    first, second = Counting(), Counting()
    with no_warnings():
        assert load(tmp_path, first) == load(tmp_path, second)
    assert first.seen == once(0, 1)
    assert not second.seen
    assert names(tmp_path) == ["toy-walk.counting.features", "toy-walk.h5"]
    assert path.read_bytes() == untouched

    # Other programs read the file, too: it is laid out like the demonstrations.
    with open_demos(path) as demos, h5py.File(features_path(path, "counting")) as kept:
        assert set(kept) == {demos.digest(0), demos.digest(1)}
        rows = kept[demos.digest(1)]["features_rgb"]
        assert (rows.shape, rows.dtype) == ((ROWS, IMAGE_DIM), np.float16)
        assert rows.attrs["encoder"] == "counting"
        assert rows[:, 0].tolist() == list(range(ROWS, 2 * ROWS))


def test_only_what_is_new_is_encoded(tmp_path: Path):
    write_seen(tmp_path, 0)
    load(tmp_path, Counting())
    write_seen(tmp_path, 1)
    encoder = Counting()
    load(tmp_path, encoder)
    assert encoder.seen == once(1)
    other = Counting("other@1/2")
    load(tmp_path, other)
    assert other.seen == once(0, 1)
    assert (tmp_path / "toy-walk.other@1_2.features").exists()


def test_features_of_what_is_gone_are_forgotten(tmp_path: Path):
    path = write_seen(tmp_path, 0, 1)
    load(tmp_path, Counting())
    path.unlink()
    write_seen(tmp_path, 1, 2)
    encoder = Counting()
    load(tmp_path, encoder)
    # Episode 1 has another place in the file now: it is another episode, to be safe.
    assert encoder.seen == once(1, 2)
    assert len(read_features(features_path(path, "counting"), "counting")) == 2


def test_what_another_encoder_made_is_never_taken(tmp_path: Path):
    path = write_seen(tmp_path, 0)
    load(tmp_path, Counting())
    shutil.copy(features_path(path, "counting"), features_path(path, "other"))
    other = Counting("other")
    load(tmp_path, other)
    assert other.seen == once(0)
    assert list(read_features(features_path(path, "other"), "other"))


@pytest.mark.filterwarnings("ignore:features of pictures are not kept")
@pytest.mark.parametrize("damage", ["cut", "changed", "emptied", "demonstrations", "a folder"])
def test_a_damaged_file_costs_time_and_nothing_else(tmp_path: Path, damage: str):
    path = write_seen(tmp_path, 0)
    expected = load(tmp_path, Counting())
    kept = features_path(path, "counting")
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "a folder":
        kept.unlink()
        kept.mkdir()
    else:
        kept.write_bytes(
            {
                "cut": kept.read_bytes()[:-100],
                "changed": bytes(content),
                "emptied": b"",
                "demonstrations": path.read_bytes(),
            }[damage]
        )
    encoder = Counting()
    with pytest.warns(UserWarning, match=r"toy-walk\.counting\.features") as warned:
        assert load(tmp_path, encoder) == expected
    assert "pictures are encoded again" in str(warned[0].message)
    assert encoder.seen == once(0)
    if damage != "a folder":
        encoder = Counting()
        with no_warnings():
            assert load(tmp_path, encoder) == expected
        assert not encoder.seen


def test_features_of_another_shape_are_not_taken(tmp_path: Path):
    path = write_seen(tmp_path, 0)
    with open_demos(path) as file:
        digest = file.digest(0)
    with keeping_features(path, "counting") as kept:
        kept.features(digest, 3, lambda: np.zeros((3, IMAGE_DIM), np.float16))
    encoder = Counting()
    load(tmp_path, encoder)
    assert encoder.seen == once(0)


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path):
    path = write_seen(tmp_path, 0)
    expected = load(tmp_path, Counting())
    kept = features_path(path, "counting")
    kept.unlink()
    (tmp_path / f".{kept.name}.lock").mkdir()  # Root may write everywhere, but not over this.
    encoder = Counting()
    with pytest.warns(UserWarning, match=f"not kept in {tmp_path}.*Is a directory"):
        assert load(tmp_path, encoder) == expected
    assert encoder.seen == once(0)
    assert not kept.exists()


def test_a_full_disk_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_seen(tmp_path, 0)
    full = create_autospec(write_file, side_effect=OSError(28, "No space left on device"))
    monkeypatch.setattr(features_module, "write_file", full)
    with pytest.warns(UserWarning, match="No space left on device.*encodes the pictures again"):
        load(tmp_path, Counting())
    assert full.call_count == 1
    assert names(tmp_path) == ["toy-walk.h5"]


def test_two_commands_at_once_do_not_disturb_each_other(tmp_path: Path):
    path = write_seen(tmp_path, 0)
    kept = features_path(path, "counting")
    with take_lock(tmp_path / f".{kept.name}.lock"):
        encoder = Counting()
        with pytest.warns(UserWarning, match=r"process \d+ is making them, too"):
            other = load(tmp_path, encoder)
        assert encoder.seen == once(0)
        assert not kept.exists()
    assert load(tmp_path, Counting()) == other

    # One that waited for nothing, but comes when the other has just finished, takes that.
    late = create_autospec(Counting().encode)
    kept_then = kept.read_bytes()
    kept.unlink()
    with keeping_features(path, "counting") as waiting, open_demos(path) as file:
        kept.write_bytes(kept_then)
        made = waiting.features(file.digest(0), ROWS, lambda: late(np.zeros(0, np.uint8)))
    assert made[:, 0].tolist() == list(range(ROWS))
    assert not late.called


def test_a_file_that_fails_leaves_nothing_behind(tmp_path: Path):
    path = write_seen(tmp_path, 0)
    with writing(path, WALK, "scripted", append=True) as writer:
        writer.add([episode(1, WALK)])
    with pytest.raises(DemoError, match="episode_1: it holds no pictures"):
        load(tmp_path, Counting())
    assert names(tmp_path) == ["toy-walk.h5"]


def test_a_killed_writers_rest_is_removed(tmp_path: Path):
    path = write_seen(tmp_path, 0)
    rest = tmp_path / f".{features_path(path, 'counting').name}.0a1b.newt-tmp"
    rest.write_bytes(b"half")
    load(tmp_path, Counting())
    assert not rest.exists()


def test_they_are_not_taken_for_demonstrations(tmp_path: Path):
    path = write_seen(tmp_path, 0)
    load(tmp_path, Counting())
    assert demo_files(tmp_path) == [path]
    report = validate(features_path(path, "counting"), library(WALK))
    assert [problem.problem for problem in report.problems] == [
        "holds image features, not demonstrations."
    ]
