"""Selectors name tasks as the command line promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from newt_core.errors import UnknownTaskError
from newt_core.specs import SpecLibrary, TaskSpec, load_specs


@pytest.fixture
def library() -> SpecLibrary:
    """Give DMControl's specs and two tasks of a second domain, one of them held out."""
    specs = {spec.id: spec for spec in load_specs().select("dmcontrol")}
    held_out = specs["walker-run"].model_dump() | {
        "id": "walker-headstand",
        "domain": "dmcontrol-ext",
        "split": "transfer",
    }
    trained = held_out | {"id": "walker-walk-backward", "split": "train"}
    for fields in (trained, held_out):
        specs[fields["id"]] = TaskSpec.model_validate(fields)
    return SpecLibrary(specs)


def ids(library: SpecLibrary, selector: str | list[str]) -> list[str]:
    return [spec.id for spec in library.select(selector)]


def test_an_id_selects_one_task(library: SpecLibrary) -> None:
    assert ids(library, "walker-run") == ["walker-run"]


def test_a_domain_selects_its_training_tasks(library: SpecLibrary) -> None:
    assert len(ids(library, "dmcontrol")) == 21
    assert ids(library, "dmcontrol-ext") == ["walker-walk-backward"]


def test_all_and_transfer_part_the_tasks(library: SpecLibrary) -> None:
    assert len(ids(library, "all")) == 22
    assert ids(library, "transfer") == ["walker-headstand"]
    assert sorted(ids(library, "all,transfer")) == sorted(library)


def test_a_pattern_matches_ids_of_both_splits(library: SpecLibrary) -> None:
    assert ids(library, "walker-*") == [
        "walker-stand",
        "walker-walk",
        "walker-run",
        "walker-walk-backward",
        "walker-headstand",
    ]
    assert ids(library, "reacher-[eh]a*") == ["reacher-easy", "reacher-hard"]


def test_lists_keep_the_order_given_and_drop_repeats(library: SpecLibrary) -> None:
    wanted = ["walker-run", "cup-catch", "walker-stand", "walker-walk"]
    assert ids(library, " walker-run, cup-catch,walker-stand,walker-walk,walker-run,") == wanted
    assert ids(library, ["walker-run", "cup-catch", "walker-stand,walker-walk"]) == wanted


def test_a_file_lists_selectors(library: SpecLibrary, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# my tasks\nwalker-run  # fast\n\nreacher-*, cup-catch\n")
    wanted = ["walker-run", "reacher-easy", "reacher-hard", "cup-catch"]
    assert ids(library, f"@{path}") == wanted
    assert ids(library, f"fish-swim,@{path}") == ["fish-swim", *wanted]


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("walker-rum", "mean 'walker-run'"),
        ("dmcontroll", "mean 'dmcontrol'"),
        ("transfr", "mean 'transfer'"),
        ("walker-run,xyzzy", "'xyzzy' is not a known task"),
        ("giraffe-*", r"'giraffe-\*' matches none of the 23 tasks"),
        ("atari", "'atari' matches none"),
        ("", "No task is selected"),
        (" , ", "No task is selected"),
        ("@no/such/file", "No such file"),
    ],
)
def test_a_selector_that_names_nothing_says_so(
    library: SpecLibrary, selector: str, words: str
) -> None:
    with pytest.raises(UnknownTaskError, match=words) as caught:
        library.select(selector)
    assert caught.value.exit_code == 2


def test_a_file_may_begin_with_a_byte_order_mark(library: SpecLibrary, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("walker-run\n", encoding="utf-8-sig")
    assert ids(library, f"@{path}") == ["walker-run"]


def test_files_do_not_nest(library: SpecLibrary, tmp_path: Path) -> None:
    path = tmp_path / "loop.txt"
    path.write_text(f"@{path}\n")
    with pytest.raises(UnknownTaskError, match="cannot contain another"):
        library.select(f"@{path}")
