"""Parts of a run by name: saved and restored, or refused with a way out."""

from __future__ import annotations

from typing import Any

import pytest

from newt_core.errors import CheckpointError
from newt_core.training.run_state import (
    OnlineCounters,
    PretrainCounters,
    load_parts,
    save_parts,
)


class Part:
    """A part whose state is one text."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def state_dict(self) -> dict[str, Any]:
        return {"text": self.text}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.text = state["text"].upper()
        if self.text == "BAD":
            raise ValueError("bad")
        if self.text == "TORN":
            raise RuntimeError("torn")


def test_every_part_is_saved_and_restored_under_its_name():
    counters = OnlineCounters(60, 48, 0.5, 0.25, {"dmcontrol": 0.25})
    pretraining = PretrainCounters(0, 7, 5, {"policy": 0.5})
    state = save_parts({"one": Part("a"), "online": counters, "other": pretraining})
    assert state == {
        "one": {"text": "a"},
        "online": {
            "steps": 60,
            "last_evaluation": 48,
            "best_score": 0.5,
            "last_score": 0.25,
            "domain_scores": {"dmcontrol": 0.25},
        },
        "other": {"steps": 0, "updates": 7, "evaluated_at": 5, "scores": {"policy": 0.5}},
    }
    part, again, pretrained = Part(), OnlineCounters(), PretrainCounters()
    load_parts({"one": part, "online": again, "other": pretrained}, state)
    assert (part.text, again, pretrained) == ("A", counters, pretraining)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({}, "there is no 'one'"),  # no such part
        ({"one": {}}, "there is no 'text'"),
        ({"one": None}, "'NoneType' object is not subscriptable"),
        ({"one": {"text": 5}}, "'int' object has no attribute 'upper'"),
        ({"one": {"text": "bad"}}, "bad"),
        ({"one": {"text": "torn"}}, "torn"),
    ],
)
def test_a_state_of_another_kind_is_a_checkpoint_error_that_says_what_to_do(state, reason):
    with pytest.raises(CheckpointError) as error:
        load_parts({"one": Part()}, state)
    assert str(error.value) == (
        f"the checkpoint's state of 'one' does not fit ({reason}). It was written by another "
        "version of Newt: go on with the one that wrote it."
    )
