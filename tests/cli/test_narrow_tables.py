"""Every table on terminals of 60, 80 and 120 columns: ids whole, no line folded by the terminal."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path

import pytest

import newt_cli
from newt_cli import console
from newt_core.demos.collect import Collection
from newt_core.evaluation import GroupSummary, Summary, TaskSummary
from newt_core.specs import load_specs
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import resolve_config
from newt_core.workflows.collect_demos import Collected
from tests.fixtures.contents import payload_of
from tests.fixtures.demonstrations import write_demos
from tests.fixtures.maniskill_assets import write_stand_ins
from tests.fixtures.run_folders import write_run

TASKS = sorted(load_specs(), key=len)[-6:]
"""Those with the longest ids."""
SELECTOR = ",".join(TASKS)

TABLES = {
    "tasks.list_tasks": (f"newt tasks list {SELECTOR}", TASKS),
    "tasks._list_experts": (f"newt tasks list --experts {SELECTOR}", TASKS),
    "embed.embed": ("newt tasks embed --encoder hashed 'mw-*'", ["mw-push-back", "mw-reach"]),
    "demo_files.write_files": ("newt demos list", ["pygame-cowboy", "pygame-point-maze-var1"]),
    "demo_files.write_in_full": ("newt demos show pygame-cowboy", ["0", "1"]),
    "collect_demos._write_table": (f"newt collect-demos --tasks {SELECTOR}", TASKS),
    "evaluations.write_tables": ("newt eval last.pt", TASKS),
    "evaluations.write_comparison": ("newt eval last.pt other.pt", TASKS),
    "checkpoint.list_checkpoints": ("newt checkpoint list", ["soup-L", "walker-run"]),
    "runs.list_all": ("newt runs list", ["balance", "swingup"]),
    "runs._write_items": ("newt runs clean --yes", ["leftovers"]),
    "compare.compare": ("newt compare balance swingup", ["group"]),
    "openloop._write": ("newt openloop made.pt", ["walker-run"]),
    "finetune._write_table": (
        "newt finetune made.pt --task walker-walk --preset smoke --device cpu",
        ["walker-walk"],
    ),
    "plan._write": ("newt plan --tasks walker-run", ["simulation", "evaluations", "checkpoints"]),
    "ablate._write_rows": (
        "newt ablate --tasks walker-walk --preset smoke --device cpu --only no-planning",
        ["reference", "no-planning"],
    ),
    "ablate._write_list": ("newt ablate --list", ["no-constrained-planning", "horizon-5"]),
    "train._write_each": (f"newt train --each --tasks {SELECTOR} --run each", TASKS),
    "assets._report": ("newt assets list", ["ycb", "xarm6"]),
    "weights.list_weights": ("newt weights list", ["clip-vit-b-32", "dinov2-vit-b-14"]),
    "bench._show": ("newt bench pool", ["fast", "reference"]),
    "bench._show_agents": ("newt bench agent --agents ppo,brc", ["ppo", "brc"]),
    "info.model": ("newt info model", ["encoder", "dynamics", "total"]),
}
"""The function that prints a table → a command that calls it, and first cells of its rows."""


def writes_table(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "write_table"
        for node in ast.walk(function)
    )


def test_every_table_is_here():
    found = set()
    for file in Path(newt_cli.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and writes_table(node):
                found.add(f"{file.stem}.{node.name}")
    assert found == set(TABLES)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Files to list."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("pygame-cowboy", "pygame-point-maze-var1"):
        write_demos(folder / "demos", 2, load_specs()[name])
    write_stand_ins(folder / "assets")
    for run in ("balance", "swingup"):
        write_run(folder / "runs", run)
    (folder / "runs/.new-run.1").mkdir()
    os.utime(folder / "runs/.new-run.1", (0, 0))
    settings = resolve_config(None, None, (), tasks="walker-run", size="5M")
    save_checkpoint(folder / "made.pt", payload_of(settings))
    return folder


@pytest.fixture
def filled(files, core, tmp_path, monkeypatch) -> None:
    """Have something to show in every table."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True, copy_function=shutil.copyfile)
    monkeypatch.setenv("NEWT_ASSETS", str(tmp_path / "assets"))
    core.replace("count_parameters")
    results = {task: TaskSummary(10, -123456.78, 0.5, 0.51221, 0.0427) for task in TASKS}
    group = GroupSummary(6, 0.3, 0.1)
    core.replace("evaluate_checkpoint", lambda **_: Summary(results, {"d": group}, group, "policy"))
    path = Path("a-folder-with-a-long-name/demonstrations")
    played = [
        Collection(task, path / f"{task}.h5", 2000, 1990, 10, -123456.7, 0.5, 0.7) for task in TASKS
    ]
    for name in (
        "published_files",
        "open_agent",
        "compare_open_loop",
        "finetune",
        "finetuned agent",
    ):
        core.replace(name)
    core.replace("collect_demos", lambda **_: Collected(played, {}, interrupted=False))


@pytest.mark.parametrize("width", [60, 80, 120, 240])
@pytest.mark.parametrize("table", TABLES)
def test_ids_are_whole_at_any_width(newt, filled, monkeypatch, table, width):
    line, first_cells = TABLES[table]
    monkeypatch.setattr(console, "terminal_width", lambda: width)
    answer = newt(line)
    assert answer.code == 0, answer.err
    facts_before = "\n\n" if table == "demo_files.write_in_full" else "\0"
    lines = answer.out.split(facts_before)[-1].splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in answer.out
    if table == "demo_files.write_in_full":  # numbers, to the right
        lines = [text.strip() for text in lines]
    begins = [text.split("  ")[0] for text in lines]
    for cell in first_cells:
        assert begins.count(cell) == 1, f"{cell} is cut, or its row is there twice"
    if width == 240:
        assert "left out for lack of room" not in answer.err


def test_a_column_gives_way_before_another_is_cut(capsys, monkeypatch):
    monkeypatch.setattr(console, "terminal_width", lambda: 30)
    row = ("a-task-of-twenty-char", "12345", "67890")
    console.write_table(("task", "one", "two"), [row], gives_way=("two", "one"))
    shown, remark = capsys.readouterr()
    assert shown == "task                   one\na-task-of-twenty-char  12345\n"
    assert remark == "left out for lack of room: two. --json has everything.\n"


def test_of_several_agents_the_last_give_way_first(newt, core, monkeypatch):
    monkeypatch.setattr(console, "terminal_width", lambda: 42)
    answer = newt("newt eval a.pt b.pt c.pt")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[0].split() == ["score", "a.pt", "b.pt"]
    assert "c.pt" in answer.err


def test_an_id_wider_than_the_terminal_is_whole_all_the_same(capsys, monkeypatch):
    monkeypatch.setattr(console, "terminal_width", lambda: 10)
    console.write_table(("task",), [("a-task-of-twenty-char",)])
    assert "a-task-of-twenty-char\n" in capsys.readouterr().out


def test_a_path_folds_without_losing_a_character(capsys, monkeypatch):
    monkeypatch.setattr(console, "terminal_width", lambda: 30)
    path = "demos/" + "x" * 50 + ".h5"
    console.write_table(("task", "file"), [("walker-run", path)], folds=("file",))
    lines = capsys.readouterr().out.splitlines()[1:]
    assert "".join(line.removeprefix("walker-run").strip() for line in lines) == path
    assert max(map(len, lines)) <= 30
