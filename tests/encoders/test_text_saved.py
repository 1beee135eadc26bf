"""What a checkpoint remembers of texts, beside texts that are new to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from newt_core.encoders import HashedEncoder, SavedText, TextOptions
from newt_core.encoders.text.file import FileEncoder, write_table
from newt_core.errors import CheckpointError, ConfigError, SpecError, WeightsError
from newt_core.specs import Wording, load_specs

RUN, WALK, DOOR = load_specs().select("walker-run,walker-walk,mw-door-open")
CHECKPOINT = Path("last.pt")
LEARNT = np.arange(512, dtype=np.float32)
"""A vector that no encoder gives: it can only come from the checkpoint."""


def saved(encoder: str = "hashed-v1") -> SavedText:
    return SavedText(encoder, {"walker-run": LEARNT, "walker-walk": -LEARNT})


def test_trained_tasks_keep_their_vectors_and_need_no_encoder() -> None:
    for encoder in ("hashed-v1", "clip-vit-b-32", "file-0123456789ab", "hashed-v0"):
        tasks, vectors = saved(encoder).tasks_and_vectors([WALK, RUN], TextOptions(), CHECKPOINT)
        assert tasks == [WALK, RUN]
        np.testing.assert_array_equal(vectors, [-LEARNT, LEARNT])


def test_new_tasks_are_embedded_by_the_same_encoder() -> None:
    _, vectors = saved().tasks_and_vectors([DOOR, RUN], TextOptions(), CHECKPOINT)
    np.testing.assert_array_equal(vectors[0], HashedEncoder().encode([DOOR.text])[0])
    np.testing.assert_array_equal(vectors[1], LEARNT)


def test_new_tasks_need_the_encoder(tmp_path: Path) -> None:
    for encoder, problem in (
        ("clip-vit-b-32", "newt weights download clip-vit-b-32"),
        ("hashed-v0", "is 'hashed-v1'"),
        ("file-0123456789ab", "--text-weights"),
    ):
        with pytest.raises(WeightsError, match=problem):
            saved(encoder).tasks_and_vectors([DOOR], TextOptions(), CHECKPOINT)


def test_one_hot_has_no_vector_for_a_new_task() -> None:
    known, vectors = saved("one-hot").tasks_and_vectors([RUN], TextOptions(), CHECKPOINT)
    assert known == [RUN]
    np.testing.assert_array_equal(vectors[0], LEARNT)
    with pytest.raises(CheckpointError, match=f"apart, and {DOOR.id} is none of them"):
        saved("one-hot").tasks_and_vectors([RUN, DOOR], TextOptions(), CHECKPOINT)
    with pytest.raises(ConfigError, match="reads no texts"):
        saved("one-hot").tasks_and_vectors([RUN], TextOptions(Wording("Hop.")), CHECKPOINT)


def test_another_wording_is_embedded_anew() -> None:
    options = TextOptions(Wording(instruction="Hurry  ahead."))
    (task,), vectors = saved().tasks_and_vectors([RUN], options, CHECKPOINT)
    assert task.instruction == "Hurry ahead."
    assert task.embodiment == RUN.embodiment
    text = f"Embodiment: {RUN.embodiment} Instruction: Hurry ahead."
    np.testing.assert_array_equal(vectors, HashedEncoder().encode([text]))


def test_the_own_wording_said_aloud_is_embedded_too() -> None:
    options = TextOptions(Wording(RUN.instruction, RUN.embodiment))
    _, vectors = saved().tasks_and_vectors([RUN], options, CHECKPOINT)
    np.testing.assert_array_equal(vectors, HashedEncoder().encode([RUN.text]))


def test_a_wording_is_for_one_task() -> None:
    with pytest.raises(SpecError, match="2 are chosen"):
        saved().tasks_and_vectors([RUN, WALK], TextOptions(Wording("Hop.")), CHECKPOINT)


def test_a_table_cannot_embed_a_wording(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    write_table(path, {"walker-run": LEARNT})
    from newt_core.encoders import FileEncoder

    options = TextOptions(Wording("Hop."), weights=path)
    with pytest.raises(ConfigError, match="new wording"):
        saved(FileEncoder(path).name).tasks_and_vectors([RUN], options, CHECKPOINT)


@pytest.mark.parametrize(
    ("learnt", "named"),
    [
        ("hashed-v1", "zero"),
        ("hashed-v1", "clip"),
        ("clip-vit-b-32", "hashed"),
        ("file-0123456789ab", "hashed-v1"),
        ("hashed-v0", "hashed"),
    ],
)
def test_another_encoder_is_refused_with_the_way_out(learnt: str, named: str) -> None:
    with pytest.raises(CheckpointError) as failure:
        saved(learnt).tasks_and_vectors([RUN], TextOptions(encoder=named), CHECKPOINT)
    said = str(failure.value)
    assert f"'{learnt}'" in said
    assert "Leave --text-encoder out" in said
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize(
    ("learnt", "named"),
    [("hashed-v1", "hashed"), ("hashed-v1", "auto"), ("clip-vit-b-32", "clip"), ("zero", "zero")],
)
def test_the_same_encoder_may_be_named(learnt: str, named: str) -> None:
    _, vectors = saved(learnt).tasks_and_vectors([RUN], TextOptions(encoder=named), CHECKPOINT)
    np.testing.assert_array_equal(vectors, [LEARNT])


def test_a_table_of_other_content_is_another_encoder(tmp_path: Path) -> None:
    write_table(tmp_path / "table.npz", {"walker-run": LEARNT})
    options = TextOptions(encoder="file", weights=tmp_path / "table.npz")
    with pytest.raises(CheckpointError, match="file-0123456789ab"):
        saved("file-0123456789ab").tasks_and_vectors([RUN], options, CHECKPOINT)


def test_only_texts_that_a_replacement_changes_are_embedded_anew() -> None:
    options = TextOptions(Wording(replacements=[("door", "drawer")]))
    tasks, vectors = saved().tasks_and_vectors([RUN, DOOR], options, CHECKPOINT)
    assert "drawer" in tasks[1].text
    np.testing.assert_array_equal(vectors[0], LEARNT)
    np.testing.assert_array_equal(vectors[1], HashedEncoder().encode([tasks[1].text])[0])


def test_a_table_of_vectors_serves_the_texts_that_a_replacement_leaves(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    write_table(path, {"mw-door-open": LEARNT})
    options = TextOptions(Wording(replacements=[("walk", "run")]), weights=path)
    held = SavedText(FileEncoder(path).name, {"walker-walk": -LEARNT})
    with pytest.raises(ConfigError, match="cannot embed a new wording"):
        held.tasks_and_vectors([DOOR, WALK], options, CHECKPOINT)
