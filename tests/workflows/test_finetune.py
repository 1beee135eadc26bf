"""Finetuning: what runs begin with, what is scored when, and what a killed one comes to."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from newt_core.errors import ConfigError, NewtError
from newt_core.specs import SpecLibrary, load_specs
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import resolve_config
from newt_core.training.finetuning import Finetuning, Member
from newt_core.training.progress import RunStatus, Unwatched
from newt_core.training.resume import run_settings
from newt_core.training.run_folder import RunFolder, list_runs
from newt_core.training.schedule import prior_weight
from newt_core.workflows import finetune as workflow
from newt_core.workflows.asked import Asked
from newt_core.workflows.context import RunContext
from newt_core.workflows.evaluate import EvaluationRequest, evaluate_checkpoint
from newt_core.workflows.finetune import Finetuned, finetune
from newt_core.workflows.finetune_settings import (
    FinetuneContext,
    FinetuneRequest,
    existing_finetuning,
    new_finetuning,
)
from newt_core.workflows.train import train
from tests.fixtures.demonstrations import write_demos
from tests.fixtures.point_runs import play_points
from tests.fixtures.short_tasks import SPECS
from tests.fixtures.trainers import differences
from tests.fixtures.watcher import Watcher

QUICK = (
    *("planner.horizon=1", "planner.iterations=1", "planner.num_samples=4"),
    *("planner.policy_trajectories=2", "planner.num_elites=2", "update.horizon=1"),
    *("update.updates_per_step=0.2", "update.batch_size=4", "replay.capacity=500"),
    *("checkpoint.every=8", "pretrain.final_evaluation=policy"),
)
FEW = "evaluation.every=0"
"""Evaluations, besides those that are always made."""


@pytest.fixture(autouse=True)
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    play_points(monkeypatch)
    # Drawing takes longer than the runs do; the page has tests of its own.
    monkeypatch.setattr(workflow, "write_finetune_page", lambda finetuning, scores: None)


@pytest.fixture
def short(tmp_path: Path) -> SpecLibrary:
    """Return a library with two tasks of four steps, in a file in ``specs/``."""
    (tmp_path / "specs").mkdir()
    specs = SPECS.replace("episode_length: 10", "episode_length: 4")
    (tmp_path / "specs/short.yaml").write_text(specs)
    return load_specs([tmp_path / "specs"])


@pytest.fixture
def checkpoint(tmp_path: Path, short: SpecLibrary) -> Path:
    """Return a checkpoint that has learned short-balance a little."""
    config = resolve_config("smoke", None, (*QUICK, FEW), tasks="short-balance", steps=10)
    folder = RunFolder.create("multi", config.to_yaml(), root=tmp_path / "runs")
    return train(RunContext(config, folder, short), resume=False).checkpoint


def request(tmp_path: Path, name: str = "ft", **changes: Any) -> FinetuneRequest:
    flags = {"tasks": "short-reach", "steps": 20, "device": "cpu"} | changes.pop("flags", {})
    asked = Asked("smoke", None, (*QUICK, *changes.pop("overrides", [FEW])), flags)
    told: dict[str, Any] = {"checkpoint": "multi", "seeds": 1, "scratch": True} | changes
    return FinetuneRequest(
        asked, name=name, runs=tmp_path / "runs", specs=[tmp_path / "specs"], **told
    )


def go_on(tmp_path: Path, name: str = "ft", **asked: Any) -> FinetuneContext:
    return existing_finetuning(
        FinetuneRequest(Asked(None, None, **asked), name=name, runs=tmp_path / "runs")
    )


def weights(folder: RunFolder, step: int) -> dict[str, torch.Tensor]:
    model: dict[str, torch.Tensor] = load_checkpoint(folder.checkpoints / f"step_{step:09d}.pt")[
        "agent"
    ]["model"]
    return model


def settle(one: Any) -> Any:
    """A state without the settings, which name the folder of their finetuning."""
    return {name: value for name, value in one.items() if name != "config"}


def test_a_run_of_its_own_for_each_task_seed_and_variant(tmp_path, checkpoint):
    both = {"tasks": "short-reach,short-balance", "seed": 5}
    told: list[str] = []
    made = new_finetuning(request(tmp_path, flags=both), told.append)
    result = finetune(made)
    assert not result.interrupted
    folder = tmp_path / "runs/ft"
    names = [
        f"{task}_{variant}_seed-5"
        for task in ("short-reach", "short-balance")
        for variant in ("pretrained", "scratch")
    ]
    assert [run["run"] for run in result.scores["runs"]] == names
    for name in names:
        run = RunFolder.open(str(folder / name))
        config = run_settings(run)
        assert (config.tasks, config.seed) == (name.split("_")[0], int(name[-1]))
        assert (config.pretrained is not None) == ("pretrained" in name)
        assert config.demos.folder is None
        assert list(run.read_evaluations()) == [0, 2, 5, 10, 20]
    # Of the two, the checkpoint knows one.
    assert ["learned this already" in line and "short-balance:" in line for line in told] == [True]
    assert result.scores["tasks"]["short-balance"]["seen"]
    assert not result.scores["tasks"]["short-reach"]["seen"]
    # The finetuning is no run itself, and its runs are not among the others.
    assert [run.name for run in list_runs(tmp_path / "runs")] == ["multi"]
    with pytest.raises(NewtError, match="is a finetuning, of several runs"):
        RunFolder.open("ft", root=tmp_path / "runs")


def test_the_zero_shot_score_is_what_newt_eval_says(tmp_path, short, checkpoint):
    made = new_finetuning(
        request(tmp_path, overrides=[FEW, "evaluation.episodes=3"], scratch=False, seeds=2)
    )
    scores = finetune(made).scores["tasks"]["short-reach"]
    said = []
    for seed in (0, 1):
        asked = EvaluationRequest(checkpoint, "short-reach", 3, seeds=[seed], device="cpu")
        summary = evaluate_checkpoint(asked, library=short)
        member = Member("short-reach", "pretrained", seed)
        assert made.finetuning.zero_shot(member) == {"step": 0, **summary.to_json()}
        # It is the run's own first evaluation, too.
        first = made.finetuning.run(member).read_evaluations()[0]
        assert first == made.finetuning.zero_shot(member)
        said.append(summary.total.score)
    assert scores["zero_shot"]["score"] == pytest.approx(sum(said) / 2)
    assert scores["zero_shot"]["seeds"] == 2
    assert scores["curves"]["pretrained"][0]["score"] == pytest.approx(sum(said) / 2)


def test_weights_are_the_checkpoints_at_the_start_and_random_ones_in_the_control(
    tmp_path, checkpoint
):
    # Nothing is learned within the five steps after which they are looked at.
    still = [FEW, "checkpoint.every=5", "checkpoint.keep=20"]
    made = new_finetuning(request(tmp_path, overrides=still))
    # Whatever becomes of the file, the runs begin with what it was.
    learned = load_checkpoint(checkpoint)["agent"]["model"]
    checkpoint.write_bytes(b"something else")
    finetune(made)
    pretrained, scratch = (made.finetuning.run(member) for member in made.finetuning.plan.members)
    before = weights(pretrained, 5)
    assert all(torch.equal(value, before[name]) for name, value in learned.items())
    after = weights(pretrained, 20)
    assert not all(torch.equal(value, after[name]) for name, value in learned.items())
    random = weights(scratch, 5)
    first = "encoder.first.linear.weight"
    assert not torch.equal(random[first], learned[first])


def test_it_plans_freely_from_the_first_step_and_the_control_begins_at_random(
    tmp_path, checkpoint, monkeypatch
):
    from newt_core.agents.newt.actor import Actor
    from newt_core.agents.newt.random_phase import RandomPhase

    acted: list[tuple[str, bool]] = []
    act, draw = Actor.__call__, RandomPhase.act

    def watched(self: Any, *args: Any) -> Any:
        if self.settings.explore:
            acted.append(("policy" if self.settings.policy_only else "plan", True))
            assert self.settings.prior_weight == 0.0
        return act(self, *args)

    def drawn(self: Any, *args: Any) -> Any:
        acted.append(("random", True))
        return draw(self, *args)

    monkeypatch.setattr(Actor, "__call__", watched)
    monkeypatch.setattr(RandomPhase, "act", drawn)
    finetune(new_finetuning(request(tmp_path)))
    ways = [way for way, _ in acted]
    assert ways[:20] == ["plan"] * 20
    assert ways[20:] == ["random"] * 4 + ["plan"] * 16


class Killed(Exception):
    """The process is gone."""


class Killer(Unwatched):
    """Kills the process at one of the moments when it is told of the progress."""

    def __init__(self, moment: int) -> None:
        self.calls, self.moment = count(), moment

    def update(self, status: RunStatus) -> None:
        if next(self.calls) == self.moment:
            raise Killed


def last_states(finetuning: Finetuning) -> list[Any]:
    folders = [finetuning.run(member) for member in finetuning.plan.members]
    return [settle(load_checkpoint(folder.checkpoints / "last.pt")) for folder in folders]


def outcome(result: Finetuned) -> Any:
    return json.loads(json.dumps(result.scores))


def test_a_broken_off_finetuning_ends_like_an_unbroken_one(tmp_path, checkpoint):
    whole = new_finetuning(request(tmp_path, "whole"))
    watcher = Watcher()
    unbroken = finetune(replace(whole, progress=watcher))
    told = len(watcher.seen)

    def ends_like_it(broken: FinetuneContext) -> None:
        result = finetune(go_on(tmp_path, broken.finetuning.path.name))
        assert not result.interrupted
        assert outcome(result) == outcome(unbroken)
        assert differences(last_states(broken.finetuning), last_states(whole.finetuning)) == []

    # Killed before the zero-shot score is there, and in the middle of the second run.
    for moment in (0, 3 * told // 4):
        made = new_finetuning(request(tmp_path, f"killed-{moment}"))
        with pytest.raises(Killed):
            finetune(replace(made, progress=Killer(moment)))
        ends_like_it(made)
    # Asked to stop in either run.
    for ended, moment in enumerate((30, 70)):
        calls = count()

        def stop(moment: int = moment, calls: count[int] = calls) -> bool:
            return next(calls) >= moment

        made = new_finetuning(request(tmp_path, f"stopped-{moment}"))
        stopped = finetune(replace(made, should_stop=stop))
        assert stopped.interrupted
        done = [run["run"] for run in stopped.scores["runs"] if run["done"]]
        assert len(done) == ended
        before = [(made.finetuning.path / name / "metrics.jsonl").read_bytes() for name in done]
        ends_like_it(made)
        # What had ended was not touched again.
        after = [(made.finetuning.path / name / "metrics.jsonl").read_bytes() for name in done]
        assert after == before


def test_runs_that_were_not_made_yet_when_it_was_killed(tmp_path, checkpoint):
    made = new_finetuning(request(tmp_path))
    import shutil

    shutil.rmtree(made.finetuning.run(made.finetuning.plan.members[-1]).path)
    again = go_on(tmp_path)
    settings = [run_settings(again.finetuning.run(m)) for m in again.finetuning.plan.members]
    assert [config.seed for config in settings] == [0, 0]
    assert "short-reach" in again.library


def test_going_on_changes_all_runs_or_none(tmp_path, checkpoint):
    made = new_finetuning(request(tmp_path))
    finetune(made)
    longer = go_on(tmp_path, flags={"steps": 30})
    result = finetune(longer)
    assert result.steps == 30
    for member in made.finetuning.plan.members:
        assert max(made.finetuning.run(member).read_evaluations()) == 30
    configs = [made.finetuning.run(m).config_file for m in made.finetuning.plan.members]
    before = [config.read_text() for config in configs]
    with pytest.raises(ConfigError, match=r"'model\.size' cannot change on the way"):
        go_on(tmp_path, flags={"size": "5M", "steps": 80})
    assert [config.read_text() for config in configs] == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seeds": 3}, "there are 2 seeds there"),
        ({"flags": {"seed": 4}}, "the first seed is 0"),
        ({"flags": {"tasks": "short-balance"}}, "the tasks are short-reach"),
        ({"checkpoint": "other"}, "the checkpoint is /.*multi/checkpoints/"),
        ({"scratch": True}, "there is no control from scratch"),
    ],
)
def test_going_on_with_another_finetuning_is_refused(tmp_path, checkpoint, change, reason):
    made = new_finetuning(request(tmp_path, scratch=False, seeds=2))
    (tmp_path / "runs/other/checkpoints").mkdir(parents=True)
    (tmp_path / "runs/other/checkpoints/last.pt").write_bytes(b"another")
    same = FinetuneRequest(
        Asked(None, None, (), {"tasks": "short-reach", "seed": 0}),
        checkpoint="multi",
        seeds=2,
        name="ft",
        runs=tmp_path / "runs",
    )
    assert existing_finetuning(same).finetuning.path == made.finetuning.path
    asked = Asked(None, None, (), change.pop("flags", {}))
    with pytest.raises(ConfigError, match=reason):
        existing_finetuning(replace(same, asked=asked, **change))


def test_whoever_watches_sees_one_count_over_all_runs(tmp_path, checkpoint):
    watcher = Watcher()
    made = new_finetuning(request(tmp_path))
    finetune(replace(made, progress=watcher))
    assert {status.total for status in watcher.seen} == {40}
    steps = [status.steps for status in watcher.seen]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 40)
    runs = list(dict.fromkeys(status.run for status in watcher.seen))
    assert runs == [
        "0/2 runs · short-reach, seed 0, from the checkpoint",
        "1/2 runs",
        "1/2 runs · short-reach, seed 0, from scratch",
        "2/2 runs",
    ]
    said = [status.message for status in watcher.seen if status.message]
    assert said[0] == "short-reach, seed 0, from the checkpoint: the checkpoint's score as it is"
    assert all(message.startswith("short-reach, seed 0, from ") for message in said)


def test_the_time_left_counts_the_runs_to_come(tmp_path, checkpoint):
    watcher = Watcher()
    made = new_finetuning(request(tmp_path))
    finetune(replace(made, progress=watcher, run_seconds=1e6))
    left = [status.seconds_left for status in watcher.seen if status.seconds_left is not None]
    # Both runs before the first tells of itself; the other one; none.
    assert left[0] == pytest.approx(2e6, rel=0.01)
    assert any(1e6 <= seconds < 1.1e6 for seconds in left)
    assert left[-1] == 0.0


def test_scores_on_the_way_are_means_over_seeds_with_intervals(tmp_path, checkpoint):
    result = finetune(new_finetuning(request(tmp_path, seeds=2)))
    found = result.scores["tasks"]["short-reach"]
    runs = [tmp_path / f"runs/ft/short-reach_scratch_seed-{seed}" for seed in (0, 1)]
    for percent, step in (("0", 0), ("10", 2), ("25", 5), ("50", 10), ("100", 20)):
        one, other = (json.loads((run / f"eval/{step}.json").read_text())["score"] for run in runs)
        estimate = found["scratch"][percent]
        assert estimate["score"] == pytest.approx((one + other) / 2)
        # Student's t with one degree of freedom: 12.706 times |a - b| / 2.
        assert estimate["ci95"] == pytest.approx(12.7062 * abs(one - other) / 2, rel=1e-4)
    assert [point["step"] for point in found["curves"]["scratch"]] == [0, 2, 5, 10, 20]
    # The average over one task is that task.
    assert result.scores["average"]["scratch"] == found["scratch"]
    saved = json.loads((tmp_path / "runs/ft/finetune.json").read_text())
    assert saved["average"] == json.loads(json.dumps(result.scores["average"]))


def test_nothing_is_said_of_where_it_was_not_evaluated(tmp_path, checkpoint):
    asked = request(tmp_path, overrides=[FEW, "evaluation.at=[1.0]", "evaluation.every=0"])
    made = new_finetuning(asked)
    found = finetune(made).scores["tasks"]["short-reach"]
    assert [moment for moment, score in found["scratch"].items() if score] == ["0", "100"]
    assert [moment for moment, score in found["pretrained"].items() if score] == ["100"]


def test_what_is_said_wins_over_what_a_finetuning_does_by_itself(tmp_path, checkpoint):
    defaults = new_finetuning(request(tmp_path, "a", overrides=[])).finetuning.config
    assert defaults.evaluation.every == 0  # As the preset says, which is to take seconds.
    assert (defaults.checkpoint.keep, prior_weight(defaults, 0)) == (1, 0.0)
    told = ["evaluation.every=3", "demos.constrained_planning=true", "checkpoint.keep=2"]
    config = new_finetuning(request(tmp_path, "b", overrides=told)).finetuning.config
    assert (config.evaluation.every, config.checkpoint.keep) == (3, 2)
    assert prior_weight(config, 0) == 1.0
    assert config.evaluation.at == [0.1, 0.25, 0.5, 1.0]
    # Without a number of steps, a preset's own, at most those of the paper.
    for preset, steps in (("smoke", 1_200), ("cpu", 25_000), ("paper", 100_000), (None, 100_000)):
        asked = Asked(preset, None, (), {"tasks": "short-reach", "text_encoder": "hashed"})
        whole = replace(request(tmp_path, f"{preset}"), asked=asked)
        config = new_finetuning(whole).finetuning.config
        assert config.steps == steps
        assert config.evaluation.every == (0 if preset == "smoke" else steps // 10)
        # What a kill costs, and what is kept, follows from the steps.
        assert config.checkpoint.every <= steps / 10
        assert steps < config.replay.capacity <= max(2 * steps, 10_000)


def test_demonstrations_only_where_they_are_asked_for(tmp_path, short):
    write_demos(tmp_path / "demos", 2, short["short-balance"])
    write_demos(tmp_path / "demos", 2, short["short-reach"])
    config = resolve_config(
        "smoke", None, QUICK, tasks="short-balance", steps=20, demos=str(tmp_path / "demos"),
        updates=2,
    )  # fmt: skip
    folder = RunFolder.create("multi", config.to_yaml(), root=tmp_path / "runs")
    train(RunContext(config, folder, short), resume=False)
    plain = new_finetuning(request(tmp_path, "plain", scratch=False))
    assert plain.finetuning.config.demos.folder is None
    told = {"demos": tmp_path / "demos", "updates": 2}
    made = new_finetuning(request(tmp_path, "with", flags=told))
    finetune(made)
    pretrained, scratch = (made.finetuning.run(member) for member in made.finetuning.plan.members)
    # The control learns from them alone first, as newt train does.
    assert not pretrained.pretraining.path.exists()
    assert scratch.pretraining.path.is_dir()
    assert run_settings(pretrained).demos.folder == tmp_path / "demos"


def test_a_run_of_it_goes_on_by_newt_train(tmp_path, short, checkpoint):
    made = new_finetuning(request(tmp_path, scratch=False))
    with pytest.raises(Killed):
        finetune(replace(made, progress=Killer(12)))
    (member,) = made.finetuning.plan.members
    folder = made.finetuning.run(member)
    config = run_settings(folder)
    assert train(RunContext(config, folder, short), resume=True).steps == 20
    assert not finetune(go_on(tmp_path)).interrupted
