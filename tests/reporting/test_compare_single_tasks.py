"""One agent per task beside one of all the tasks: the paper's table 9."""

from __future__ import annotations

from pathlib import Path

import pytest

from newt_core.errors import ConfigError, RunFolderError
from newt_core.reporting.compare.comparison import compare
from newt_core.reporting.compare.curves import curve
from newt_core.reporting.compare.published import TOTAL, paper_rows
from newt_core.reporting.compare.read import read_methods
from newt_core.specs import load_specs
from newt_core.training.run_list import RunList
from tests.fixtures.run_folders import TASKS, evaluation, write_metrics, write_run, write_run_list

LIBRARY = load_specs()
SINGLE = {TASKS[0]: {0: 0.1, 500: 0.6, 1000: 0.8}, TASKS[1]: {0: 0.0, 500: 0.2, 1000: 0.4}}
"""Task → steps of its run → score."""


@pytest.fixture
def single(tmp_path: Path) -> RunList:
    runs = write_run_list(tmp_path, "single", "each", TASKS)
    for member in runs.members:
        folder = runs.run(member)
        for step, score in SINGLE[member.group].items():
            folder.write_evaluation(step, {"step": step, **evaluation(score, [member.group])})
        write_metrics(folder, [{"step": s, "wall_time": 3.6 * s} for s in SINGLE[member.group]])
    return runs


def test_agents_of_one_task_each_stand_beside_one_of_all_at_as_many_steps_of_each(single, tmp_path):
    write_run(tmp_path, "multi", (0.1, 0.3))
    found = compare(read_methods(["multi", "single"], root=tmp_path), LIBRARY)
    multi, each = found.methods
    assert each.groups[TOTAL]["mean"].value == pytest.approx((0.8 + 0.4) / 2)
    assert (multi.steps, each.steps) == ([1000], [2000])
    assert "after different numbers of steps, 1,000 to 2,000" in " ".join(found.remarks)
    # 500 in each of two tasks are the 1,000 that the agent of both has taken.
    found = compare(read_methods(["multi", "single"], at=1000, root=tmp_path), LIBRARY)
    assert found.methods[1].groups[TOTAL]["mean"].value == pytest.approx((0.6 + 0.2) / 2)
    assert "different numbers of steps" not in " ".join(found.remarks)


def test_their_curve_is_over_steps_and_hours_of_all_of_them(single, tmp_path):
    (method,) = read_methods(["single"], root=tmp_path)
    steps, hours = (curve(method, TASKS, axis) for axis in ("steps", "hours"))
    assert steps is not None
    assert hours is not None
    assert steps.where == [0, 1000, 2000]
    assert hours.where == pytest.approx([0, 1, 2])
    assert [one.value for one in steps.scores] == pytest.approx([0.05, 0.4, 0.6])


def test_several_lists_repeat_each_other(single, tmp_path):
    again = write_run_list(tmp_path, "single-2", "each", TASKS)
    for member in again.members:
        again.run(member).write_evaluation(1000, evaluation(0.5, [member.group]))
    (method,) = read_methods(["single*"], root=tmp_path)
    assert [member.name for member in method.members] == ["single", "single-2"]


def test_a_task_that_was_not_evaluated_yet_is_left_out(single, tmp_path):
    last = single.run(single.members[1])
    for file in last.evaluations.iterdir():
        file.unlink()
    write_run(tmp_path, "multi", (0.1, 0.3))
    found = compare(read_methods(["multi", "single"], root=tmp_path), LIBRARY)
    assert found.left_out == {TASKS[1]: ["single"]}
    for file in single.run(single.members[0]).evaluations.iterdir():
        file.unlink()
    with pytest.raises(RunFolderError, match=r"no run in .*single has an evaluation yet"):
        read_methods(["single"], root=tmp_path)


def test_the_runs_of_an_ablation_are_compared_one_by_one(tmp_path):
    write_run_list(tmp_path, "parts", "ablation", ["reference"])
    with pytest.raises(ConfigError, match=r"is an ablation: .* --runs-dir .*parts"):
        read_methods(["parts"], root=tmp_path)


def test_the_papers_agents_of_one_task_stand_beside_whole_domains():
    tasks = [spec.id for spec in LIBRARY.select("mujoco")]
    rows, _ = paper_rows({"mujoco": tasks, TOTAL: tasks}, LIBRARY)
    said = {row.name: row.score for row in rows}
    assert said["one agent per task (paper, 500k steps each)"] == 0.64
