"""A run goes on from anywhere, with what it was given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from newt_core.specs import load_specs
from newt_core.training.run_folder import RunFolder
from tests.fixtures.demonstrations import write_demos
from tests.fixtures.short_tasks import SPECS

LINE = "newt train --text-encoder hashed --device cpu --runs-dir runs --run a"


@pytest.fixture
def begun(newt, core, monkeypatch) -> Path:
    """Return the folder of a run with the user's own specs and demonstrations; work elsewhere."""
    for name in ("work/mine", "elsewhere"):
        Path(name).mkdir(parents=True)
    monkeypatch.chdir("work")
    Path("mine/short.yaml").write_text(SPECS)
    write_demos(Path("demos"), 1, load_specs([Path("mine")])["short-balance"])
    answer = newt(f"{LINE} --tasks short-balance --specs mine --demos demos")
    assert answer.code == 0, answer.err
    folder = Path("runs/a").absolute()
    monkeypatch.chdir("../elsewhere")
    return folder


def test_paths_are_kept_from_the_root(begun, core):
    config = yaml.safe_load((begun / "config.yaml").read_text())
    assert config["demos"]["folder"] == str(begun.parent.parent / "demos")
    assert core.arguments("train")["config"].demos.folder == begun.parent.parent / "demos"


def test_it_goes_on_from_elsewhere_without_its_specs(begun, newt, core):
    answer = newt(f"newt train --run {begun} --resume")
    assert answer.code == 0, answer.err
    arguments = core.arguments("train")
    assert arguments["library"]["short-balance"].obs_dim == 5
    assert arguments["config"].demos.folder.is_dir()


def test_the_same_folder_may_be_named_in_another_way(begun, newt):
    for name in ("../work/demos", "../work/../work/demos", begun.parent.parent / "demos"):
        answer = newt(f"newt train --run {begun} --resume --demos {name}")
        assert answer.code == 0, answer.err
    Path("demos").mkdir()
    refused = newt(f"newt train --run {begun} --resume --demos demos")
    assert refused.code == 2
    assert "'demos.folder' cannot change" in refused.err


def test_specs_that_are_named_count_instead_of_those_that_were_kept(begun, newt, core):
    changed = SPECS.replace("Keep the pole upright.", "Hold the pole up.")
    Path("new").mkdir()
    Path("new/other-name.yaml").write_text(changed)
    assert newt(f"newt train --run {begun} --resume --specs new").code == 0
    assert core.arguments("train")["library"]["short-balance"].instruction == "Hold the pole up."


def test_files_of_one_name_in_several_folders_are_all_kept(newt, core):
    one, two = SPECS.split("  - id: short-reach")
    for folder, text in (("a", one), ("b", one.split("  - id:")[0] + "  - id: short-reach" + two)):
        Path(folder).mkdir()
        Path(folder, "tasks.yaml").write_text(text)
    assert newt(f"{LINE} --tasks short-* --specs a --specs b").code == 0
    assert sorted(os.listdir("runs/a/specs")) == ["0-tasks.yaml", "1-tasks.yaml"]
    assert newt("newt train --run a --resume").code == 0
    assert {"short-balance", "short-reach"} <= set(core.arguments("train")["library"])


def test_a_run_of_built_in_tasks_keeps_no_specs(newt, core):
    assert newt(f"{LINE} --tasks pygame-cowboy").code == 0
    assert os.listdir("runs/a") == ["config.yaml"]


def test_what_only_one_of_several_runs_knows_all_are_evaluated_on(newt, core):
    one, two = SPECS.split("  - id: short-reach")
    top = one.split("  - id:")[0]
    for run, text in (("a", one), ("b", f"{top}  - id: short-reach{two}")):
        folder = RunFolder.create(run, "", root=Path("runs"), specs={"tasks.yaml": text})
        folder.checkpoints.mkdir()
        (folder.checkpoints / "last.pt").touch()
    runs = ("runs/a", "runs/b")
    for order in (runs, runs[::-1]):
        core.calls.clear()
        answer = newt(f"newt eval {' '.join(order)} random --tasks short-*")
        assert answer.code == 0, answer.err
        libraries = [arguments["library"] for name, arguments in core.calls if "eval" in name]
        assert len(libraries) == 3
        for library in libraries:
            assert {"short-balance", "short-reach"} <= set(library)
    # Of what both know, each has its own.
    changed = one.replace("Keep the pole upright.", "Hold the pole up.")
    Path("runs/b/specs/tasks.yaml").write_text(changed)
    assert newt("newt eval a b").code == 0
    said = [given["library"]["short-balance"].instruction for _, given in core.calls[-2:]]
    assert said == ["Keep the pole upright.", "Hold the pole up."]
