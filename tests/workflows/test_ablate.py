"""Ablations: what runs, what is left out or refused, what a killed one comes to."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from newt_core.errors import ConfigError, EnvironmentFailure, NewtError
from newt_core.specs import TaskSpec, load_specs
from newt_core.training.resume import run_settings
from newt_core.training.run_folder import RunFolder, list_runs
from newt_core.training.run_list import RunList
from newt_core.workflows import run_many
from newt_core.workflows.ablate import Ablated, AblationRequest, ablate, new_ablation
from newt_core.workflows.asked import Asked
from newt_core.workflows.run_many import ListContext, existing_list
from tests.fixtures.demonstrations import write_demos
from tests.fixtures.point_runs import play_points
from tests.fixtures.short_lists import (
    Killed,
    Killer,
    ablation,
    draw_nothing,
    last_states,
    tables,
    write_specs,
)
from tests.fixtures.trainers import differences
from tests.fixtures.watcher import Watcher

ROWS = ["reference", "no-language", "no-planning"]


@pytest.fixture(autouse=True)
def points(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    play_points(monkeypatch)
    write_specs(tmp_path)
    draw_nothing(monkeypatch)


def go_on(tmp_path: Path, name: str, **options: object) -> ListContext:
    runs = RunList.open(name, "ablation", root=tmp_path / "runs")
    return replace(existing_list(runs, Asked()), **options)  # type: ignore[arg-type]


def test_a_run_for_each_row_and_seed_each_with_its_change_alone(tmp_path):
    runs = new_ablation(ablation(tmp_path, "a"))
    assert [str(member) for member in runs.members] == [
        f"{row}, seed {seed}" for seed in (0, 1) for row in ROWS
    ]
    result = ablate(ListContext(runs))
    assert not result.ended.interrupted
    assert result.ended.failed == {}
    reference = run_settings(RunFolder(tmp_path / "runs/a/reference_seed-0"))
    for member in runs.members:
        config = run_settings(runs.run(member))
        assert config.seed == member.seed
        assert config.text.encoder == ("zero" if member.group == "no-language" else "hashed")
        assert config.planner.enabled == (member.group != "no-planning")
        same = config.model_copy(
            update={"seed": 0, "text": reference.text, "planner": reference.planner}
        )
        assert same == reference
        assert list(runs.run(member).read_evaluations()) == [0, 10, 20]
    modes = [runs.run(m).read_evaluations()[20]["mode"] for m in runs.members[:3]]
    assert modes == ["planning", "planning", "policy"]
    # An ablation is no run itself, and its runs are not among the others.
    assert list_runs(tmp_path / "runs") == []
    with pytest.raises(NewtError, match=r"is a list of runs: name .*--runs-dir .*runs/a"):
        RunFolder.open("a", root=tmp_path / "runs")


def test_the_table_says_scores_and_differences_from_the_reference(tmp_path):
    runs = new_ablation(ablation(tmp_path, "a"))
    result = ablate(ListContext(runs))
    assert list(result.rows) == ROWS
    for row, its in result.rows.items():
        assert its["run"] == str(tmp_path / f"runs/a/{row}_seed-0")
        assert its["done"] == len(its["runs"]) == 2
        last = np.array([last_scores(Path(folder)) for folder in its["runs"]])
        assert its["score"] == pytest.approx(last.mean())
        # The seeds are drawn anew within each of the two tasks.
        assert its["ci95"] == pytest.approx([last.min(0).mean(), last.max(0).mean()])
        if row == "reference":
            assert its["difference"] is None
        else:
            by = its["score"] - result.rows["reference"]["score"]
            assert its["difference"] == pytest.approx(by)
            low, high = its["difference_ci95"]
            assert low <= its["difference"] <= high
    assert [path.name for path in result.files] == [
        "results.md", "results.csv", "results.png", "report.html"
    ]  # fmt: skip
    assert "difference from reference" in tables(runs)[".csv"]


def last_scores(folder: Path) -> list[float]:
    """Each task's score in a run's last evaluation."""
    document = json.loads((folder / "eval/20.json").read_text())
    return [result["score"] for result in document["tasks"].values()]


def test_a_broken_off_ablation_ends_like_an_unbroken_one(tmp_path):
    def begun(name: str) -> RunList:
        return new_ablation(ablation(tmp_path, name, only=["no-planning"]))

    whole = begun("whole")
    watcher = Watcher()
    unbroken = ablate(ListContext(whole, progress=watcher))
    told = len(watcher.seen)

    def ends_like_it(name: str) -> None:
        result = ablate(go_on(tmp_path, name))
        assert not result.ended.interrupted
        assert numbers(result) == numbers(unbroken)
        assert tables(result.runs) == tables(whole)
        assert differences(last_states(result.runs), last_states(whole)) == []

    for moment in (told // 2, told - 1):  # In the middle, and before the list knows of the end.
        made = begun(f"killed-{moment}")
        with pytest.raises(Killed):
            ablate(ListContext(made, progress=Killer(moment)))
        ends_like_it(f"killed-{moment}")
    calls = count()
    made = begun("stopped")
    stopped = ablate(ListContext(made, should_stop=lambda: next(calls) >= 60))
    assert stopped.ended.interrupted
    done = made.done()
    assert 0 < len(done) < 4
    assert sum(row["done"] for row in stopped.rows.values()) == len(done)
    assert not made.report.exists()
    before = [(made.path / name / "metrics.jsonl").read_bytes() for name in done]
    ends_like_it("stopped")
    # What had ended was not touched again.
    assert [(made.path / name / "metrics.jsonl").read_bytes() for name in done] == before


def numbers(result: Ablated) -> list[object]:
    return [
        {name: value for name, value in row.items() if name not in ("run", "runs")}
        for row in result.rows.values()
    ]


def test_a_run_that_fails_keeps_no_other_from_running_and_is_tried_again(tmp_path, monkeypatch):
    runs = new_ablation(ablation(tmp_path, "a"))
    broken = runs.members[1]

    def failing(folder, progress, should_stop):
        if folder.name == broken.name:
            raise EnvironmentFailure("short-reach keeps failing.")
        return run_one(folder, progress, should_stop)

    run_one = run_many.run_one
    watcher = Watcher()
    with monkeypatch.context() as patch:
        patch.setattr(run_many, "run_one", failing)
        result = ablate(ListContext(runs, progress=watcher))
    assert result.ended.failed == {broken: "short-reach keeps failing."}
    assert len(runs.done()) == 5
    assert result.rows["no-language"]["done"] == 1
    said = [status.message for status in watcher.seen if "failed" in status.message]
    assert said == ["no-language, seed 0: failed: short-reach keeps failing."]
    again = ablate(go_on(tmp_path, "a"))
    assert again.ended.failed == {}
    assert again.rows["no-language"]["done"] == 2


def test_rows_that_need_demonstrations_are_left_out_or_refused(tmp_path):
    said: list[str] = []
    asked = ablation(tmp_path, "a", only=[], seeds=1)
    runs = new_ablation(asked, notice=said.append)
    lacking = ["no-pretraining", "no-oversampling", "no-constrained-planning", "no-demonstrations"]
    assert not set(runs.groups) & set(lacking)
    assert f"left out, as there are no --demos: {', '.join(lacking)}" in said
    # The preset's own settings make three rows mere repetitions.
    same = "left out, as these are the reference's own settings: size-2M, sampling-steps, horizon-1"
    assert same in said
    refused = replace(asked, name="b", only=["no-planning", "no-oversampling"])
    with pytest.raises(ConfigError, match="'no-oversampling' means nothing without demonstrations"):
        new_ablation(refused)
    with pytest.raises(ConfigError, match="nothing is left to ablate"):
        new_ablation(replace(asked, name="b", only=["size-2M"]))
    library = load_specs([tmp_path / "specs"])
    for task in ("short-balance", "short-reach"):
        write_demos(tmp_path / "demos", 2, library[task])
    with_them = ablation(tmp_path, "b", only=[], seeds=1, flags={"demos": str(tmp_path / "demos")})
    made = new_ablation(with_them)
    assert set(lacking) < set(made.groups)
    configs = {m.group: run_settings(made.run(m)) for m in made.members}
    assert configs["no-demonstrations"].demos.folder is None
    assert configs["no-oversampling"].demos.folder == tmp_path / "demos"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"only": ["no-plannig"]}, "Did you mean 'no-planning'"),
        ({"table": Path("none.yaml")}, "cannot read the table none.yaml"),
        ({"flags": {"tasks": "short-reahc"}}, "Did you mean 'short-reach'"),
        ({"flags": {"pretrained": "last.pt"}}, "last.pt"),
        ({"flags": {"demos": "nowhere"}}, "nowhere"),
        ({"name": "a b"}, "cannot name a run"),
    ],
)
def test_a_mistake_makes_no_folder(tmp_path, changes, reason):
    told = {"name": "a"} | changes
    with pytest.raises(NewtError, match=reason):
        new_ablation(ablation(tmp_path, **told))
    assert not (tmp_path / "runs").exists()


def test_a_row_whose_settings_do_not_fit_is_refused_before_there_is_a_folder(tmp_path):
    table = tmp_path / "mine.yaml"
    table.write_text("rows: [{name: far, description: Far., settings: {update.horizon: 9}}]")
    with pytest.raises(ConfigError, match=r"update\.horizon is 9, but an episode of short-"):
        new_ablation(ablation(tmp_path, "a", only=[], table=table))
    assert not (tmp_path / "runs").exists()


def test_replays_of_all_runs_have_to_fit_the_disk_together(tmp_path, monkeypatch):
    from newt_core.workflows import sizes

    one = sizes.replay_bytes(
        run_settings(new_run_of(ablation(tmp_path, "once"))), two_tasks(tmp_path)
    )
    monkeypatch.setattr(sizes, "_free_disk", lambda folder: 5 * one)
    with pytest.raises(ConfigError, match=r"the replays of these 6 runs grow to .* together"):
        new_ablation(ablation(tmp_path, "a"))
    monkeypatch.setattr(sizes, "_free_disk", lambda folder: 6 * one)
    new_ablation(ablation(tmp_path, "a"))


def new_run_of(request: AblationRequest) -> RunFolder:
    runs = new_ablation(request)
    return runs.run(runs.members[0])


def two_tasks(tmp_path: Path) -> list[TaskSpec]:
    return load_specs([tmp_path / "specs"]).select("short-balance,short-reach")


def test_settings_change_in_all_runs_or_in_none(tmp_path):
    runs = new_ablation(ablation(tmp_path, "a", seeds=1))
    ablate(ListContext(runs))
    longer = existing_list(runs, Asked(flags={"steps": 30}))
    result = ablate(longer)
    assert [row["done"] for row in result.rows.values()] == [1, 1, 1]
    for member in runs.members:
        assert max(runs.run(member).read_evaluations()) == 30
    before = [runs.run(member).config_file.read_text() for member in runs.members]
    with pytest.raises(ConfigError, match=r"'model\.size' cannot change on the way"):
        existing_list(runs, Asked(flags={"size": "5M", "steps": 80}))
    with pytest.raises(ConfigError, match="leave --tasks out to go on"):
        existing_list(runs, Asked(flags={"tasks": "short-reach"}))
    assert [runs.run(member).config_file.read_text() for member in runs.members] == before


def test_a_damaged_or_missing_list_is_one_line(tmp_path):
    runs = new_ablation(ablation(tmp_path, "a", seeds=1))
    whole = json.loads((runs.path / "runs.json").read_text())
    for content in ("{", "[]", '{"kind": "ablation"}', '{"kind": "x", "runs": []}'):
        (runs.path / "runs.json").write_text(content)
        with pytest.raises(NewtError, match=r"runs\.json cannot be used"):
            RunList(runs.path).done()
    for part, odd in (("runs", [{"name": "a"}]), ("kind", "x"), ("done", []), ("seconds", None)):
        (runs.path / "runs.json").write_text(json.dumps({**whole, part: odd}))
        with pytest.raises(NewtError, match=r"runs\.json cannot be used"):
            RunList(runs.path).done()
    shutil.rmtree(runs.path)
    with pytest.raises(NewtError, match="there is no ablation 'a'"):
        RunList.open("a", "ablation", root=tmp_path / "runs")
