"""A user's table of vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from newt_core.encoders import FileEncoder, HashedEncoder
from newt_core.encoders.text.file import read_table, write_table
from newt_core.errors import ConfigError, WeightsError
from newt_core.specs import load_specs

TASKS = load_specs().select("walker-walk,walker-run")


@pytest.fixture(params=[".npz", ".safetensors"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"table{request.param}"
    vectors = HashedEncoder().encode_tasks(TASKS)
    write_table(path, {task.id: row for task, row in zip(TASKS, vectors, strict=True)})
    return path


def test_what_is_written_is_read(table: Path) -> None:
    vectors = FileEncoder(table).encode_tasks([TASKS[1], TASKS[0]])
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, HashedEncoder().encode_tasks(TASKS)[::-1])


def test_the_name_follows_the_content_alone(table: Path, tmp_path: Path) -> None:
    rows = read_table(table)
    for ending in (".npz", ".safetensors"):
        write_table(tmp_path / f"copy{ending}", dict(reversed(rows.items())))
        assert FileEncoder(tmp_path / f"copy{ending}").name == FileEncoder(table).name
    rows["walker-run"][0] += 1
    write_table(table, rows)
    assert FileEncoder(table).name != FileEncoder(tmp_path / "copy.npz").name


def test_a_missing_task_is_named(table: Path) -> None:
    with pytest.raises(ConfigError, match=r"'walker-rum'.*Did you mean 'walker-run'"):
        FileEncoder(table).encode_tasks([TASKS[0].model_copy(update={"id": "walker-rum"})])


def test_a_table_reads_no_texts(table: Path) -> None:
    with pytest.raises(ConfigError, match="new wording"):
        FileEncoder(table).encode(["Run."])


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (np.zeros(511, np.float32), "511"),
        (np.zeros((1, 512), np.float32), r"\[1, 512\]"),
        (np.full(512, np.nan, np.float32), "finite"),
        (np.array(["no number"] * 512), "512 finite numbers"),
        (np.array([{}] * 512), "damaged"),  # pickled, so it is not even opened
    ],
)
def test_an_entry_must_be_a_vector(tmp_path: Path, entry: np.ndarray, problem: str) -> None:
    np.savez(tmp_path / "wrong.npz", walker=entry)
    with pytest.raises(WeightsError, match=problem) as failure:
        FileEncoder(tmp_path / "wrong.npz")
    assert len(str(failure.value).splitlines()) == 1


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("not an archive")
    (tmp_path / "text.csv").write_text("1,2,3")
    for name, problem in (
        ("text.npz", "damaged"),
        ("text.csv", "ends in .npz or .safetensors"),
        ("none.npz", "there is no table"),
        ("none.safetensors", "there is no"),
    ):
        with pytest.raises(WeightsError, match=problem):
            FileEncoder(tmp_path / name)
    with pytest.raises(ConfigError, match="must end in"):
        write_table(tmp_path / "table.csv", {})
