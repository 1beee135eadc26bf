"""What `newt compare` reads, shares, and says of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from newt_core.errors import ConfigError, NewtError, RunFolderError
from newt_core.evaluation.statistics import Estimate
from newt_core.reporting.compare.comparison import Comparison, compare
from newt_core.reporting.compare.curves import curve
from newt_core.reporting.compare.document import document as comparison_document
from newt_core.reporting.compare.figure import draw_comparison
from newt_core.reporting.compare.published import TOTAL, paper_rows, tdmpc2_scores
from newt_core.reporting.compare.read import read_methods
from newt_core.reporting.compare.write import stem_of, write_comparison
from newt_core.specs import load_specs
from newt_core.training.run_folder import RunFolder
from tests.fixtures.run_folders import (
    add_pretraining,
    evaluation,
    write_metrics,
    write_pretraining,
    write_run,
)

LIBRARY = load_specs()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two runs of one method, and two of another, worse one."""
    monkeypatch.chdir(tmp_path)
    runs = Path("runs")
    for name, last in (("new-1", 0.7), ("new-2", 0.9), ("old-1", 0.5), ("old-2", 0.3)):
        write_run(runs, name, (0.1, 0.2, last))
    return runs


def document(path: str, *tasks: str, **others: object) -> None:
    Path(path).write_text(json.dumps({**evaluation(0.5, tasks), **others}))


def of(*words: str, **options: object) -> Comparison:
    return compare(read_methods(words), LIBRARY, **options)  # type: ignore[arg-type]


def test_runs_of_a_pattern_or_a_list_are_one_method(root):
    new, old = read_methods(["new-*", "before=old-1,runs/old-2"], root=root)
    assert (new.name, [run.name for run in new.members]) == ("new-*", ["new-1", "new-2"])
    assert (old.name, [run.name for run in old.members]) == ("before", ["old-1", "old-2"])
    (alone,) = read_methods(["old-1"], root=root)
    assert (alone.name, alone.members[0].steps) == ("old-1", 1000)


def test_a_method_is_the_mean_of_its_runs_by_domain_and_in_total(root):
    found = of("new=new-1,new-2", "old=old-1,old-2")
    new, old = found.methods
    # The fixture's second task, of another domain, scores a tenth less than the first.
    assert new.groups["dmcontrol"]["mean"].value == pytest.approx(0.8)
    assert new.groups["miniarcade"]["mean"].value == pytest.approx(0.7)
    assert new.groups[TOTAL]["mean"].value == pytest.approx(0.75)
    assert old.groups[TOTAL]["optimality_gap"].value == pytest.approx(1 - 0.35)
    (pair,) = found.improvements
    assert (pair.ours, pair.theirs, pair.probability) == ("new", "old", Estimate(1.0, 1.0, 1.0))
    mean = new.groups[TOTAL]["mean"]
    assert mean.low == pytest.approx(0.65)  # both tasks drew the worse run twice
    assert mean.high == pytest.approx(0.85)


def test_what_is_drawn_anew_follows_from_how_many_runs_there_are(root):
    several, single = of("new-*", "old-1"), of("new-1", "old-1")
    assert several.bootstrap.resampled == "runs"
    assert several.methods[1].groups[TOTAL]["mean"].low is None
    assert any("one run only of old-1" in remark for remark in several.remarks)
    assert single.bootstrap.resampled == "tasks"
    assert any("tasks are drawn anew" in remark for remark in single.remarks)
    assert single.methods[0].groups[TOTAL]["mean"].low is not None
    assert single.methods[0].tasks["walker-walk"].low is None
    assert of("new-1", resampled="both").bootstrap.resampled == "both"


def test_one_task_and_one_run_of_each_have_no_intervals(root):
    alone = of("new-1", "old-1", tasks=["walker-walk"])
    assert alone.methods[0].groups[TOTAL]["mean"].low is None
    assert alone.remarks[0].startswith("no intervals: they need several runs")
    assert not any("drawn anew" in remark for remark in alone.remarks)


def test_only_shared_tasks_count_and_the_rest_is_named(root):
    document("a.json", "walker-walk", "walker-run")
    document("b.json", "walker-run", "walker-walk", "cheetah-run")
    found = of("a.json", "b.json", "new-1")
    assert found.groups == {"dmcontrol": ["walker-walk"], TOTAL: ["walker-walk"]}
    assert found.left_out["walker-run"] == ["new-1"]
    assert found.left_out["cheetah-run"] == ["a.json", "new-1"]
    assert any(
        remark.startswith("left out walker-run, cheetah-run, pygame-pong")
        for remark in found.remarks
    )
    assert of("a.json", "b.json", tasks=["walker-run"]).groups[TOTAL] == ["walker-run"]


def test_runs_that_share_no_task_are_refused(root):
    document("c.json", "cheetah-run")
    with pytest.raises(
        ConfigError, match=r"no task that all .* new-1 has walker-walk.* c.json has"
    ):
        of("new-1", "c.json")
    with pytest.raises(ConfigError, match="none of those compared was evaluated on a task of"):
        of("new-1", tasks=["walker-run"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["last.pt"], "newt eval last.pt --json > last.json"),
        (["gone"], "there is no run 'gone'"),
        (["gone.json"], "cannot read gone.json: No such file"),
        (["no-such-*"], "no run in runs/ fits 'no-such-\\*'"),
        (["new-1", "new-1"], "are called 'new-1': name them, as in mine=new-1"),
        (["x=new-1,runs/new-1"], "names new-1 twice"),
        (["=new-1"], "write NAME=RUN"),
        (["empty"], "has no evaluation yet"),
        (["half.json"], "half.json is not what 'newt eval --json' prints"),
        (["list.json"], "list.json is not what 'newt eval --json' prints"),
        (["bare.json"], "bare.json is not what 'newt eval --json' prints"),
        ([","], "name a run to compare"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_one_line(root, words, said):
    RunFolder.create("empty", (root / "new-1/config.yaml").read_text(), root=root)
    Path("half.json").write_text('{"tasks": {"walker')
    Path("list.json").write_text("[1, 2]")
    Path("bare.json").write_text('{"tasks": {"walker-run": {"score": null}}}')
    with pytest.raises(NewtError, match=said):
        read_methods(words, root=root)


def test_a_damaged_evaluation_of_a_run_is_named(root):
    (root / "new-1/eval/1000.json").write_text('{"tasks": ')
    with pytest.raises(RunFolderError, match=r"new-1/eval/1000\.json is no evaluation"):
        read_methods(["new-1"], root=root)


def test_an_earlier_evaluation_can_be_compared(root):
    (method,) = read_methods(["new-1"], at=999, root=root)
    assert method.members[0].steps == 500
    assert method.members[0].evaluation["tasks"]["walker-walk"]["score"] == 0.2
    document("a.json", "walker-walk")
    with pytest.raises(ConfigError, match="leave --at out"):
        read_methods(["a.json"], at=10, root=root)
    (root / "new-1/eval/0.json").unlink()
    with pytest.raises(ConfigError, match="its first evaluation is at 500"):
        read_methods(["new-1"], at=499, root=root)


def test_a_file_of_several_agents_is_a_method_for_each(root):
    both = {"one": evaluation(0.2), "two": evaluation(0.6)}
    Path("both.json").write_text(json.dumps({"evaluations": both}))
    assert [method.name for method in read_methods(["both.json", "new-1"], root=root)] == [
        "one", "two", "new-1"
    ]  # fmt: skip
    (pooled,) = read_methods(["seeds=both.json"], root=root)
    assert [member.name for member in pooled.members] == ["one", "two"]
    Path("both.json").write_text('{"evaluations": {"one": 3}}')
    with pytest.raises(RunFolderError, match=r"both\.json is not what"):
        read_methods(["both.json"], root=root)


@pytest.mark.parametrize("word", ["one,two.json", "mine=one,two.json", "a=b.json"])
def test_a_files_name_may_have_commas_and_equals_signs(root, word):
    Path(word.removeprefix("mine=")).write_text(json.dumps(evaluation(0.2)))
    (method,) = read_methods([word], root=root)
    assert method.name == ("mine" if word.startswith("mine=") else word)
    assert len(method.members) == 1


def test_runs_of_different_lengths_or_modes_are_remarked_upon(root):
    write_run(root, "long", (0.1, 0.9)).write_evaluation(
        3000, {"step": 3000, **evaluation(0.9, mode="policy")}
    )
    remarks = " ".join(of("new-1", "long").remarks)
    assert "after different numbers of steps, 1,000 to 3,000" in remarks
    assert "they acted in different ways (new-1: planning, long: policy)" in remarks


def test_a_run_that_only_pretrained_is_compared_by_its_pretraining(root):
    run = RunFolder.create("cloned", (root / "new-1/config.yaml").read_text(), root=root)
    write_pretraining(run, (0.2, 0.4), 200)
    (method,) = read_methods(["cloned"], root=root)
    assert method.members[0].evaluation["tasks"]["walker-walk"]["score"] == 0.4


def test_hours_count_the_pretraining_and_pass_over_half_written_rows(root):
    run = RunFolder(root / "new-1")
    add_pretraining(run)
    write_metrics(run.pretraining, [{"step": 200, "wall_time": 1800.0}])
    write_metrics(run, [{"step": 0, "wall_time": 0.0}, {"step": 1000, "wall_time": 7200.0}])
    with run.metrics_file.open("a") as file:
        file.write('{"step": 1100, "wall_')
    (method,) = read_methods(["new-1"], root=root)
    assert [moment.hours for moment in method.members[0].moments] == [0.5, 1.5, 2.5]
    line = curve(method, ["walker-walk"], "hours")
    assert line is not None
    assert list(line.where) == [0.5, 1.5, 2.5]
    assert [score.value for score in line.scores] == pytest.approx([0.1, 0.2, 0.7])
    assert [score.low for score in line.scores] == [None, None, None]


def test_a_curve_is_over_where_all_runs_were_evaluated(root):
    run = write_run(root, "new-3", ())
    for step, score in ((250, 0.4), (750, 0.6)):
        run.write_evaluation(step, {"step": step, **evaluation(score)})
    (method,) = read_methods(["new-1,new-3"], root=root)
    line = curve(method, ["walker-walk"], "steps")
    assert line is not None
    assert list(line.where) == [250, 500, 750]
    # new-1 is at 0.1, 0.2, 0.7 after 0, 500 and 1,000 steps.
    assert [score.value for score in line.scores] == pytest.approx(
        [(0.15 + 0.4) / 2, (0.2 + 0.5) / 2, (0.45 + 0.6) / 2]
    )
    assert line.scores[0].low == pytest.approx(0.15)
    assert line.scores[0].high == pytest.approx(0.4)
    assert curve(method, ["walker-walk"], "hours") is None


def test_the_papers_scores_stand_beside_the_same_tasks_only():
    whole = {"mujoco": [s.id for s in LIBRARY.select("mujoco")], "dmcontrol": ["walker-run"]}
    both = [task for tasks in whole.values() for task in tasks]
    rows, absent = paper_rows({**whole, TOTAL: both}, LIBRARY)
    assert {row.group for row in rows} == {"mujoco"}
    assert [row.score for row in rows] == [0.20, 0.35, 0.64, 0.82]
    assert absent is not None
    assert "1 of 21 of dmcontrol" in absent
    assert "7 of 200 of the training tasks" in absent
    held_out, absent = paper_rows({TOTAL: [s.id for s in LIBRARY.select("transfer")]}, LIBRARY)
    assert [row.score for row in held_out] == [0.192, 0.868, 0.480]
    assert absent is None
    assert paper_rows({TOTAL: ["a-task-of-mine"]}, LIBRARY) == ([], None)


def test_the_papers_scores_are_of_ten_domains_and_their_tasks_are_all():
    from newt_core.reporting.compare.published import PAPER, TDMPC2

    assert set(PAPER[0].scores) - {TOTAL} == {spec.domain for spec in LIBRARY.select("all")}
    scores = tdmpc2_scores("walker-run", LIBRARY)
    assert scores == {50_000: 0.723, 100_000: 0.78, 250_000: 0.82, 500_000: 0.842}
    assert all(task in LIBRARY for task in TDMPC2)
    assert tdmpc2_scores("pygame-pong", LIBRARY) is None


def test_three_files_are_written_at_once(root):
    found = of("new=new-1,new-2", "old=old-1,old-2")
    paths = write_comparison(found, stem_of(Path("out/both.md")))
    assert [str(path) for path in paths] == ["out/both.md", "out/both.csv", "out/both.png"]
    page = paths[0].read_text()
    assert "![Scores](both.png)" in page
    assert "| total (2 tasks) | new | 2 | 1,000 | 0.750 [0.650, 0.850] |" in page
    assert "| walker-walk | 0.800 [0.700, 0.900] | 0.400 [0.300, 0.500] | 0.96 / 0.97" in page
    rows = list(csv.DictReader(paths[1].open()))
    (total,) = [
        row
        for row in rows
        if (row["group"], row["method"], row["what"]) == ("total", "new", "mean")
    ]
    assert (float(total["value"]), float(total["low"])) == pytest.approx((0.75, 0.65))
    with Image.open(paths[2]) as picture:
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 50


@pytest.mark.parametrize("methods", [2, 20])
def test_no_two_methods_look_alike(root, methods):
    for index in range(methods):
        document(f"agent{index}.json", "walker-run", "walker-walk")
    figure = draw_comparison(of(*(f"{index}=agent{index}.json" for index in range(methods))))
    (profile,) = (one for one in figure.axes if "share" in one.get_title())
    looks = {(line.get_color(), line.get_linestyle()) for line in profile.lines}
    assert len(looks) == methods
    assert (profile.get_legend() is None) is (methods == 20)


def test_files_that_cannot_be_written_are_one_line(root):
    Path("out").write_text("a file")
    with pytest.raises(RunFolderError, match="cannot write out"):
        write_comparison(of("new-1"), Path("out/both"))


def test_a_name_may_hold_a_dot(root):
    assert stem_of(Path("run.2")) == Path("run.2")
    paths = write_comparison(of("new-1"), Path("run.2"))
    assert [path.name for path in paths] == ["run.2.md", "run.2.csv", "run.2.png"]


def test_the_document_names_every_method_and_what_was_drawn(root):
    answer = comparison_document(of("new=new-1,new-2", "old-1"))
    assert list(answer["methods"]) == ["new", "old-1"]
    new = answer["methods"]["new"]
    assert new["runs"] == ["new-1", "new-2"]
    assert new["score"] == new["total"]["mean"]["value"] == pytest.approx(0.75)
    walk = new["tasks"]["walker-walk"]
    assert (walk["episodes"], walk["success"]) == (4, None)
    assert (walk["score"], walk["return"]) == pytest.approx((0.8, 800))
    assert new["domains"]["dmcontrol"]["score"] == pytest.approx(0.8)
    assert answer["methods"]["old-1"]["total"]["mean"]["ci95"] is None
    assert answer["intervals"]["resampled"] == "runs"
    assert len(new["profile"]) == len(answer["profile_thresholds"])
    assert [point["steps"] for point in new["curves"]["steps"]] == [0, 500, 1000]
