"""Another wording for a task."""

from __future__ import annotations

import pytest

from newt_core.errors import SpecError
from newt_core.specs import Wording, load_specs

SPEC = load_specs()["walker-run"]


def test_a_part_changes_and_the_rest_stays() -> None:
    assert SPEC.spec_hash  # computed before, so that a copy could carry it along
    (changed,) = Wording(instruction="Sprint\n  now.").apply([SPEC])
    assert changed.text == f"Embodiment: {SPEC.embodiment} Instruction: Sprint now."
    assert changed.model_copy(update={"instruction": SPEC.instruction}) == SPEC
    assert changed.spec_hash != SPEC.spec_hash
    (both,) = Wording("Sprint.", "A robot.").apply([SPEC])
    assert both.text == "Embodiment: A robot. Instruction: Sprint."


def test_no_wording_changes_nothing() -> None:
    assert not Wording()
    assert Wording().apply([SPEC, SPEC]) == [SPEC, SPEC]


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_an_empty_text_is_refused(empty: str) -> None:
    with pytest.raises(SpecError, match="embodiment is empty"):
        Wording(embodiment=empty).apply([SPEC])


def test_one_task_at_a_time() -> None:
    with pytest.raises(SpecError, match="2 are chosen"):
        Wording("Sprint.").apply([SPEC, SPEC])
