"""Text encoders: one interface, and vectors that mean the same everywhere."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from newt_core.encoders import (
    HashedEncoder,
    OneHotEncoder,
    TextEncoder,
    ZeroEncoder,
    make_text_encoder,
)
from newt_core.errors import ConfigError
from newt_core.specs import load_specs

TEXTS = ["Run forward quickly.", "Ärger: Öffne die Tür!", "Swing the pole up."]
DIGEST = "be63feac4616a98e8a332dd20775a7308ed1497b92cc743a6c1570d17df471c7"
"""SHA-256 of the three vectors: checkpoints rely on "hashed-v1" never changing."""


@pytest.mark.parametrize("name", ["hashed", "zero"])
def test_every_encoder_keeps_the_interface(name: str) -> None:
    encoder = make_text_encoder(name)
    assert isinstance(encoder, TextEncoder)
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (3, 512) == (3, encoder.dim)
    assert vectors.dtype == np.float32
    assert encoder.encode([]).shape == (0, 512)
    assert make_text_encoder(encoder.name).name == encoder.name
    np.testing.assert_array_equal(encoder.encode(TEXTS[1:])[0], vectors[1])


def test_zero_encoder_says_nothing() -> None:
    assert not ZeroEncoder().encode(TEXTS).any()


def test_one_hot_tells_tasks_apart_and_says_nothing_of_them() -> None:
    tasks = load_specs().select("walker-run,walker-walk,pygame-pong")
    vectors = OneHotEncoder().encode_tasks(tasks)
    assert vectors.shape == (3, 512)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors @ vectors.T, np.eye(3))
    # What a vector is depends on the place alone.
    np.testing.assert_array_equal(OneHotEncoder().encode_tasks(tasks[::-1]), vectors)
    with pytest.raises(ConfigError, match="reads no texts"):
        OneHotEncoder().encode(TEXTS)
    with pytest.raises(ConfigError, match="tells 512 tasks apart, and these are 513"):
        OneHotEncoder().encode_tasks([tasks[0]] * 513)


def test_hashed_vectors_have_unit_length_unless_there_is_no_word() -> None:
    vectors = HashedEncoder().encode([*TEXTS, "the", "", " ?! "])
    np.testing.assert_allclose(np.linalg.norm(vectors[:4], axis=1), 1.0, rtol=1e-6)
    assert not vectors[4:].any()


def test_hashed_vectors_never_change() -> None:
    assert hashlib.sha256(HashedEncoder().encode(TEXTS).tobytes()).hexdigest() == DIGEST


def test_hashed_vectors_do_not_depend_on_the_process() -> None:
    code = (
        "import hashlib; from newt_core.encoders import HashedEncoder;"
        f"print(hashlib.sha256(HashedEncoder().encode({TEXTS!r}).tobytes()).hexdigest())"
    )
    for seed in ("1", "2"):  # of Python's own hash(), which must play no part
        shown = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        assert shown.strip() == DIGEST


def test_case_and_punctuation_do_not_matter() -> None:
    first, second = HashedEncoder().encode(["Run forward, quickly.", "run FORWARD quickly"])
    np.testing.assert_array_equal(first, second)


def similarity(first: str, second: str) -> float:
    specs = load_specs()
    rows = HashedEncoder().encode([specs[first].text, specs[second].text])
    return float(rows[0] @ rows[1])


@pytest.mark.parametrize(
    ("task", "near", "far"),
    [
        ("walker-walk", "walker-run", "cartpole-balance"),  # body and goal alike
        ("walker-walk", "walker-stand", "fish-swim"),  # the body alike
        ("walker-run", "quadruped-run", "cup-catch"),  # the goal alike
        ("cartpole-swingup", "pendulum-swingup", "hopper-stand"),
        ("reacher-easy", "reacher-hard", "finger-spin"),
    ],
)
def test_alike_tasks_lie_closer(task: str, near: str, far: str) -> None:
    assert similarity(task, near) > similarity(task, far) + 0.1


def test_no_two_tasks_share_a_vector() -> None:
    vectors = HashedEncoder().encode([spec.text for spec in load_specs().values()])
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, 0.0)
    assert cosines.max() < 0.99


def test_another_wording_finds_its_task() -> None:
    specs = load_specs().select("dmcontrol")
    encoder = HashedEncoder()
    query = encoder.encode(["Make the two-legged walker run ahead."])[0]
    nearest = specs[int(np.argmax(encoder.encode([spec.text for spec in specs]) @ query))]
    assert nearest.id == "walker-run"
