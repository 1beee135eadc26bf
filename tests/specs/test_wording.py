"""Another wording for a task."""

from __future__ import annotations

import pytest

from newt_core.errors import SpecError
from newt_core.specs import TaskSpec, Wording, load_specs

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


def replaced(spec: TaskSpec, *pairs: tuple[str, str]) -> str:
    (changed,) = Wording(replacements=pairs).apply([spec])
    return changed.text


def test_a_word_is_replaced_wherever_it_stands_whole() -> None:
    told = SPEC.model_copy(
        update={"embodiment": "Run-time: a runner.", "instruction": "Run, run ahead;\nrerun."}
    )
    assert replaced(told, ("run", "stroll")) == (
        "Embodiment: Stroll-time: a runner. Instruction: Stroll, stroll ahead; rerun."
    )
    # In the order given, and of several words in any spacing.
    assert replaced(told, ("run  ahead", "fly"), ("fly", "swim")).endswith("Run, swim; rerun.")


def test_a_word_is_replaced_in_all_tasks_that_have_it() -> None:
    other = load_specs()["mw-door-open"]
    worded = Wording(replacements=[("door", "drawer")]).apply([SPEC, other])
    assert worded[0] == SPEC
    assert "drawer" in worded[1].text
    assert "door" not in worded[1].text.lower().replace("drawer", "")
    both = Wording("Open the door.", replacements=[("door", "drawer")]).apply([SPEC])
    assert both[0].instruction == "Open the drawer."


def test_a_word_that_no_task_has_is_refused() -> None:
    with pytest.raises(SpecError, match="'screwdriver' is not in any of the 2 texts"):
        Wording(replacements=[("screwdriver", "cube")]).apply([SPEC, SPEC])
    with pytest.raises(SpecError, match="'alk' is not in the task's text"):
        Wording(replacements=[("walker", "walk"), ("alk", "x")]).apply([SPEC])
