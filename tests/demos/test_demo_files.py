"""What is written is read, by us, by h5py and by Minari."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from gymnasium.spaces import Box

from newt_core.demos.convert import export_minari
from newt_core.demos.read import open_demos, read_demos
from newt_core.demos.schema import DemoEpisode
from newt_core.demos.validate import validate
from newt_core.demos.write import writing
from newt_core.errors import DemoError
from tests.fixtures.demonstrations import (
    STEPS,
    assert_same,
    demo_spec,
    episode,
    library,
    write_demos,
)

SPEC = demo_spec()


def rich_episode(number: int) -> DemoEpisode:
    generator = np.random.default_rng(number)
    pictures = generator.integers(0, 256, (STEPS + 1, 224, 224, 3), dtype=np.uint8)
    return replace(
        episode(number),
        rgb=lambda: pictures,
        features=generator.normal(size=(STEPS + 1, 768)).astype(np.float16),
        encoder="dinov2-vitb14",
    )


def test_written_is_read(tmp_path: Path):
    path = write_demos(tmp_path, 4)
    found = list(read_demos(path, SPEC))
    assert len(found) == 4
    for number, one in enumerate(found):
        assert_same(one, episode(number))
    assert validate(path, library()).ok


def test_pictures_and_features_are_read_back(tmp_path: Path):
    path = tmp_path / "toy-walk.h5"
    with writing(path, SPEC, "scripted") as writer:
        writer.add([rich_episode(0)])
    with open_demos(path) as file:
        assert_same(file.episode(0), rich_episode(0))
    assert validate(path, library()).ok


def test_appended_episodes_come_after_the_old_ones(tmp_path: Path):
    write_demos(tmp_path, 2)
    path = write_demos(tmp_path, 3, first=2)
    assert [one.seed for one in read_demos(path, SPEC)] == [0, 1, 2, 3, 4]
    assert validate(path, library()).ok


def test_a_file_that_exists_is_not_replaced_unasked(tmp_path: Path):
    path = write_demos(tmp_path, 1)
    before = path.read_bytes()
    with (
        pytest.raises(DemoError, match=r"exists already\. Add to it with --append"),
        writing(path, SPEC, "scripted"),
    ):
        raise AssertionError("it may be written")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_appended_to_a_file_of_another_task_or_spec(tmp_path: Path):
    path = write_demos(tmp_path, 1)
    for other, message in (
        (demo_spec("toy-run"), "not of 'toy-run'"),
        (demo_spec(instruction="Count on."), "its spec hash differs"),
    ):
        with pytest.raises(DemoError, match=message), writing(path, other, "s", append=True):
            raise AssertionError("it may be written")


def test_the_layout_is_the_one_of_the_formats_page(tmp_path: Path):
    path = tmp_path / "toy-walk.h5"
    with writing(path, SPEC, "scripted") as writer:
        writer.add([episode(0), episode(1)], rejected=3)
    with h5py.File(path, "r") as file:
        assert sorted(file) == ["episode_0", "episode_1"]
        attributes = dict(file.attrs)
        assert attributes["task"] == "toy-walk"
        assert attributes["spec_hash"] == SPEC.spec_hash
        assert attributes["expert"] == "scripted"
        assert attributes["format_version"] == 1
        assert (attributes["total_episodes"], attributes["total_steps"]) == (2, 2 * STEPS)
        assert "h5py" in json.loads(attributes["libraries"])
        assert attributes["created"].startswith("20")
        group = file["episode_1"]
        shapes = {name: (group[name].shape, group[name].dtype.name) for name in (
            "observations", "actions", "rewards", "terminations", "truncations",
            "infos/success", "infos/score",
        )}  # fmt: skip
        assert shapes == {
            "observations": ((STEPS + 1, 5), "float32"),
            "actions": ((STEPS, 2), "float32"),
            "rewards": ((STEPS,), "float32"),
            "terminations": ((STEPS,), "bool"),
            "truncations": ((STEPS,), "bool"),
            "infos/success": ((STEPS,), "float32"),
            "infos/score": ((STEPS,), "float32"),
        }
        expected = episode(1)
        assert group.attrs["id"] == 1
        assert group.attrs["seed"] == 1
        assert group.attrs["total_steps"] == STEPS
        assert group.attrs["return"] == pytest.approx(expected.rewards.sum())
        assert np.isnan(group.attrs["success"])
        assert group.attrs["score"] == pytest.approx(expected.score[-1])


def test_minari_reads_a_file_as_it_stands(tmp_path: Path):
    from minari.dataset._storages.hdf5_storage import HDF5Storage

    path = write_demos(tmp_path, 3)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "main_data.hdf5").symlink_to(path)
    observations = Box(-np.inf, np.inf, (5,), np.float32)
    storage = HDF5Storage(folder, observations, Box(-1, 1, (2,), np.float32))
    found = list(storage.get_episodes(range(3)))
    for number, one in enumerate(found):
        expected = episode(number)
        np.testing.assert_array_equal(one["observations"], expected.observations)
        np.testing.assert_array_equal(one["actions"], expected.actions)
        np.testing.assert_array_equal(one["rewards"], expected.rewards)
        np.testing.assert_array_equal(one["truncations"], expected.truncations)
        np.testing.assert_array_equal(one["infos"]["score"], expected.score)
    assert [m["seed"] for m in storage.get_episode_metadata(range(3))] == [0, 1, 2]


def test_an_exported_dataset_opens_in_minari(tmp_path: Path):
    from minari import MinariDataset

    path = write_demos(tmp_path, 3)
    dataset = MinariDataset(export_minari(path, SPEC, tmp_path / "out") / "data")
    assert (dataset.total_episodes, dataset.total_steps) == (3, 3 * STEPS)
    assert dataset.spec.observation_space.shape == (5,)
    assert dataset.spec.action_space == Box(-1, 1, (2,), np.float32)
    for number, one in enumerate(dataset.iterate_episodes()):
        np.testing.assert_array_equal(one.observations, episode(number).observations)
        np.testing.assert_array_equal(one.actions, episode(number).actions)
    with pytest.raises(DemoError, match="exists already"):
        export_minari(path, SPEC, tmp_path / "out")


def test_a_task_whose_wording_changed_is_read_with_a_warning(tmp_path: Path):
    path = write_demos(tmp_path, 1)
    with pytest.warns(UserWarning, match="spec hash differs"):
        list(read_demos(path, demo_spec(instruction="Count on.")))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (demo_spec("toy-run"), "holds demonstrations of 'toy-walk', not of 'toy-run'"),
        (demo_spec(version=2), "version 1 of 'toy-walk'"),
        (demo_spec(obs_dim=6), r"observations are \[13, 5\], but 12 steps of 'toy-walk' need"),
        (demo_spec(action_dim=1), "the dimensions do not fit"),
        (demo_spec(episode_length=5), "has 12 steps, but an episode of 'toy-walk' has 1 to 5"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*spec hash differs")
def test_what_does_not_fit_the_task_is_not_read(tmp_path: Path, spec, message):
    path = write_demos(tmp_path, 1)
    with pytest.raises(DemoError, match=message):
        list(read_demos(path, spec))


def test_episodes_that_do_not_fit_are_not_written(tmp_path: Path):
    path = write_demos(tmp_path, 1)
    before = path.read_bytes()
    bad = episode(1)
    bad.actions[3, 1] = 1.5
    with (
        pytest.raises(DemoError, match=r"actions are outside \[-1, 1\] at step 3"),
        writing(path, SPEC, "scripted", append=True) as writer,
    ):
        writer.add([bad])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"hello", "not a demonstration file of Newt"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "an HDF5 file, but not one that Newt wrote"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content, message):
    path = tmp_path / "toy-walk.h5"
    path.write_bytes(content)
    with pytest.raises(DemoError, match=message):
        list(read_demos(path, SPEC))


def test_missing_files_and_folders_are_refused(tmp_path: Path):
    with pytest.raises(DemoError, match="there is no demonstration file"):
        list(read_demos(tmp_path / "a.h5", SPEC))
    with pytest.raises(DemoError, match="is a folder"):
        list(read_demos(tmp_path, SPEC))


def test_a_file_of_a_later_format_says_so(tmp_path: Path):
    path = write_demos(tmp_path, 1)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"format 1", b"format 9", 1))
    with pytest.raises(DemoError, match="has format version 9, but this Newt reads version 1"):
        list(read_demos(path, SPEC))
