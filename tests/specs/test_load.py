"""Spec files: what is read, and what a mistake in one says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from newt_core.errors import SpecError, UnknownTaskError
from newt_core.specs import load_specs

GOOD = """\
domain: mujoco
defaults:
  reward: dense
tasks:
  - id: my-hopper
    env: {gym_id: Hopper-v4}
    embodiment: A one-legged hopper.
    instruction: Hop forward.
    obs_dim: 11
    action_dim: 3
    episode_length: 500
    score: {kind: return, high: 1500}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a user's specs folder with one good task."""
    (tmp_path / "mine.yaml").write_text(GOOD)
    return tmp_path


def error_of(folder: Path, old: str, new: str) -> str:
    """Return the error after changing the good file."""
    assert old in GOOD
    (folder / "mine.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(SpecError) as caught:
        load_specs([folder])
    message = str(caught.value)
    assert str(folder / "mine.yaml") in message
    assert len(message.splitlines()) == 1
    return message


def test_user_tasks_come_after_the_built_in_ones(folder: Path) -> None:
    library = load_specs([folder])
    assert list(library)[-1] == "my-hopper"
    assert len(library) == len(load_specs()) + 1
    spec = library["my-hopper"]
    assert (spec.domain, spec.reward, spec.split, spec.version) == ("mujoco", "dense", "train", 1)
    assert "my-hopper" not in load_specs()


def test_a_task_overrides_the_defaults(folder: Path) -> None:
    text = GOOD.replace("obs_dim: 11", "obs_dim: 11\n    reward: sparse")
    (folder / "mine.yaml").write_text(text)
    assert load_specs([folder])["my-hopper"].reward == "sparse"


def test_an_edited_file_is_read_again(folder: Path) -> None:
    assert load_specs([folder])["my-hopper"].obs_dim == 11
    (folder / "mine.yaml").write_text(GOOD.replace("obs_dim: 11", "obs_dim: 12"))
    assert load_specs([folder])["my-hopper"].obs_dim == 12


def test_unknown_id_is_a_user_error_and_a_key_error() -> None:
    library = load_specs()
    assert library.get("walker-fly") is None
    with pytest.raises(UnknownTaskError, match="Did you mean 'walker-run'") as caught:
        library["walker-runn"]
    assert isinstance(caught.value, KeyError)
    assert not str(caught.value).startswith('"')


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("    instruction:", "    instructon:", 8, ["'instructon'", "mean 'instruction'"]),
        ("    instruction: Hop forward.\n", "", 5, ["'instruction' is missing", "what to achieve"]),
        ("Hop forward.", "''", 8, ["'instruction' is ''"]),
        ("action_dim: 3", "action_dim: 17", 10, ["'action_dim' is 17", "from 1 to 16"]),
        ("action_dim: 3", "action_dim: '3'", 10, ["'action_dim' is '3'", "whole number"]),
        ("obs_dim: 11", "obs_dim: 129", 9, ["'obs_dim' is 129", "from 1 to 128"]),
        ("obs_dim: 11", "obs_dim: 11\n    discount: 1.0", 10, ["'discount' is 1.0", "below 1"]),
        ("obs_dim: 11", "obs_dim: 11\n    discount: 0", 10, ["'discount' is 0", "above 0"]),
        ("obs_dim: 11", "obs_dim: 11\n    discount: .nan", 10, ["'discount' is nan"]),
        ("reward: dense", "reward: dens", 3, ["'reward' is 'dens'", "dense or sparse"]),
        ("reward: dense", "rewrad: dense", 3, ["unknown key 'rewrad'", "mean 'reward'"]),
        ("high: 1500", "hihg: 1500", 12, ["'score.hihg'", "mean 'high'", "kind, low, high, clip"]),
        ("high: 1500", "high: -1", 12, ["'score'", "high (-1) must be above low (0)"]),
        ("kind: return", "kind: lambda", 12, ["'score'", "kind: success"]),
        ("my-hopper", "My_Hopper", 5, ["'id' is 'My_Hopper'", "joined by hyphens"]),
        ("my-hopper", "transfer", 5, ["'transfer' already selects a group"]),
        ("domain: mujoco", "domain: mujocco", 1, ["not a known domain", "mean 'mujoco'", "atari"]),
        ("domain: mujoco\n", "", 4, ["'domain' is missing"]),
        ("Hopper-v4", "2024-01-01", 6, ["'env'", "finite numbers"]),
        ("Hopper-v4", ".inf", 6, ["'env'", "finite numbers"]),
    ],
)
def test_a_mistake_in_a_task_names_line_task_field_and_what_is_allowed(
    folder: Path, old: str, new: str, line: int, words: list[str]
) -> None:
    message = error_of(folder, old, new)
    assert f"line {line}, task '" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("domain: mujoco", "domian: mujoco", 1, ["unknown key 'domian'", "mean 'domain'"]),
        ("  reward: dense", "  reward: [dense", 4, ["not valid YAML"]),
        ("reward: dense", "reward: !!python/object:os.system x", 3, ["not valid YAML"]),
        ("    obs_dim: 11", "    obs_dim: 11\n    obs_dim: 12", 10, ["'obs_dim' stands twice"]),
        (GOOD, "", 1, ["must hold a mapping"]),
        (GOOD, "- a\n- b\n", 1, ["must hold a mapping"]),
        (GOOD, "domain: mujoco\ntasks: 3\n", 2, ["'tasks' must be a list"]),
        (GOOD, "domain: mujoco\ntasks:\n  - walker\n", 3, ["task 1 must be a mapping"]),
        ("defaults:\n  reward: dense", "defaults: dense", 2, ["'defaults' must be a mapping"]),
    ],
)
def test_a_mistake_in_the_file_names_the_line(
    folder: Path, old: str, new: str, line: int, words: list[str]
) -> None:
    message = error_of(folder, old, new)
    assert f"line {line}" in message
    for word in words:
        assert word in message


def test_several_mistakes_are_counted(folder: Path) -> None:
    message = error_of(folder, "obs_dim: 11\n    action_dim: 3", "obs_dim: 0\n    action_dim: 0")
    assert "(1 more to fix in this task.)" in message


def test_a_forbidden_character_is_an_error(folder: Path) -> None:
    assert "not valid YAML" in error_of(folder, "Hop forward.", '"\x07"')


def test_a_binary_file_is_an_error(folder: Path) -> None:
    (folder / "mine.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not UTF-8"):
        load_specs([folder])


def test_an_alias_is_blamed_where_it_is_used(folder: Path) -> None:
    text = GOOD.replace("Hop forward.", "&words Hop forward.").replace("my-hopper", "*words")
    (folder / "mine.yaml").write_text(text.replace("tasks:", "tasks:\n  # first"))
    with pytest.raises(SpecError, match="line 6"):
        load_specs([folder])


def test_duplicate_ids_name_both_places(folder: Path) -> None:
    (folder / "other.yaml").write_text(GOOD)
    with pytest.raises(SpecError, match=r"other\.yaml, line 5.*'my-hopper'.*mine\.yaml, line 5"):
        load_specs([folder])


def test_a_built_in_id_cannot_be_taken(folder: Path) -> None:
    message = error_of(folder, "my-hopper", "walker-run")
    assert "task_specs/dmcontrol.yaml, line " in message


@pytest.mark.parametrize("make", ["nothing", "file", "empty folder"])
def test_a_wrong_specs_folder_is_an_error(tmp_path: Path, make: str) -> None:
    path = tmp_path / "specs"
    if make == "file":
        path.write_text("x")
    elif make == "empty folder":
        path.mkdir()
    words = {"nothing": "does not exist", "file": "is not a folder", "empty folder": "no .yaml"}
    with pytest.raises(SpecError, match=words[make]) as caught:
        load_specs([path])
    assert str(path) in str(caught.value)


def test_an_installed_package_can_register_a_domain(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = folder / "site" / "kitchen-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: kitchen\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[newt.domains]\nkitchen = kitchen.newt:build\n")
    (folder / "mine.yaml").write_text(GOOD.replace("domain: mujoco", "domain: kitchen"))
    with pytest.raises(SpecError, match="not a known domain"):
        load_specs([folder])

    monkeypatch.syspath_prepend(str(folder / "site"))
    library = load_specs([folder])
    assert [spec.id for spec in library.select("kitchen")] == ["my-hopper"]


def test_reading_specs_loads_neither_torch_nor_a_simulator() -> None:
    code = (
        "import sys; from newt_core.specs import load_specs; load_specs();"
        "print([m for m in ('torch', 'mujoco', 'dm_control', 'gymnasium') if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert shown.strip() == "[]"
