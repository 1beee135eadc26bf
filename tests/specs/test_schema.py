"""A task spec's derived values."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from newt_core.specs import TaskSpec, load_specs


def spec(**changes: Any) -> TaskSpec:
    fields: dict[str, Any] = {
        "id": "toy",
        "domain": "box2d",
        "embodiment": "A toy.",
        "instruction": "Move.",
        "obs_dim": 3,
        "action_dim": 2,
        "episode_length": 500,
        "reward": "dense",
        "score": {"kind": "success"},
    }
    return TaskSpec.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("episode_length", "gamma"),
    # (T/5 - 1) / (T/5), held within [0.95, 0.995]: the values of the published benchmark.
    [
        *((3, 0.95), (25, 0.95), (50, 0.95), (100, 0.95), (200, 0.975)),
        *((250, 0.98), (500, 0.99), (1000, 0.995), (5000, 0.995)),
    ],
)
def test_discount_follows_the_episode_length(episode_length: int, gamma: float) -> None:
    assert spec(episode_length=episode_length).gamma == pytest.approx(gamma)


def test_a_given_discount_is_kept() -> None:
    assert spec(episode_length=100, discount=0.99).gamma == 0.99


def test_masks_mark_the_first_entries() -> None:
    toy = spec()
    assert toy.action_mask.dtype == toy.obs_mask.dtype == np.float32
    np.testing.assert_array_equal(toy.action_mask, [1, 1] + [0] * 14)
    np.testing.assert_array_equal(toy.obs_mask, [1, 1, 1] + [0] * 125)


def test_text_joins_body_and_goal_whatever_the_layout() -> None:
    folded = spec(embodiment="A\n  toy.\n", instruction=" Move. ")
    assert folded.text == "Embodiment: A toy. Instruction: Move."
    assert folded == spec()


def test_the_hash_changes_with_any_field_and_with_nothing_else() -> None:
    assert spec(env={"a": 1, "b": 2}).spec_hash == spec(env={"b": 2, "a": 1}).spec_hash
    variants = [
        spec(),
        spec(version=2),
        spec(env={"speed": 2}),
        spec(instruction="Stay."),
        spec(discount=0.9),
    ]
    assert len({variant.spec_hash for variant in variants}) == len(variants)
    assert all(len(variant.spec_hash) == 64 for variant in variants)


def test_a_spec_cannot_be_changed_and_travels_to_workers() -> None:
    toy = spec()
    with pytest.raises(ValidationError):
        toy.obs_dim = 4  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(toy))
    assert copy == toy
    assert {copy, toy} == {toy}
    assert copy.spec_hash == toy.spec_hash


def test_every_built_in_spec_survives_json() -> None:
    for task in load_specs().values():
        assert TaskSpec.model_validate_json(task.model_dump_json()) == task
