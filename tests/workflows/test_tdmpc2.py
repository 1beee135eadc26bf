"""TD-MPC2 as a kind of agent: one task, no text, no cloning, its published settings."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from newt_core.agents.newt.update import Learner
from newt_core.errors import ConfigError, NewtError
from newt_core.specs import SpecLibrary, load_specs
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import resolve_config
from newt_core.training.metrics import read_metrics
from newt_core.training.resume import run_settings
from newt_core.training.run_list import RunList
from newt_core.workflows.asked import Asked
from newt_core.workflows.evaluate import EvaluationRequest, evaluate_checkpoint
from newt_core.workflows.forecast import forecast
from newt_core.workflows.run_many import ListContext, existing_list
from newt_core.workflows.settings import check_settings
from newt_core.workflows.train_each import new_list, train_each
from tests.fixtures.point_runs import play_points
from tests.fixtures.short_lists import Killed, Killer, asked, last_states, write_specs
from tests.fixtures.trainers import differences
from tests.fixtures.watcher import Watcher


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpecLibrary:
    play_points(monkeypatch)
    return load_specs([write_specs(tmp_path)])


def begun(tmp_path: Path, name: str, *more: str) -> RunList:
    request = asked("model.q_dropout=0.1", *more, agent="tdmpc2")
    return new_list(request, specs=[tmp_path / "specs"], name=name, runs=tmp_path / "runs")


def test_its_published_settings_are_taken_unless_others_are_named():
    said: list[str] = []
    request = Asked(flags={"tasks": "walker-run", "agent": "tdmpc2", "device": "cpu"})
    config = check_settings(request, notice=said.append).settings
    assert said == ["preset tdmpc2: the agent's own settings. --preset names another."]
    assert (config.agent.kind, config.model.size, config.model.q_dropout) == ("tdmpc2", "5M", 0.01)
    update = config.update
    assert (update.batch_size, update.updates_per_step, update.catch_up) == (256, 1.0, True)
    assert (update.encoder_lr, update.lr, update.grad_clip) == (9e-5, 3e-4, 20.0)
    assert (config.random_phase.episodes, config.replay.sampling) == (5, "steps")
    planner = config.planner
    assert (planner.num_samples, planner.policy_trajectories, planner.num_elites) == (512, 24, 64)
    assert (planner.iterations, planner.horizon, update.horizon) == (6, 3, 3)
    assert config.text.encoder == "zero"
    small = check_settings(Asked("smoke", flags=request.flags), notice=said.append).settings
    assert (small.agent.kind, small.model.size, small.model.q_dropout) == ("tdmpc2", "2M", 0.0)
    assert small.text.encoder == "zero"
    assert said[1:] == ["an agent 'tdmpc2' reads no text: the text encoder is zero"]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"tasks": "walker-run,walker-walk"}, "learns one task, and these are 2: name one, or ma"),
        ({"instruction": "Run."}, "reads no text"),
        ({"obs": "both"}, "does not see"),
    ],
)
def test_what_it_cannot_do_is_refused_in_a_line(tmp_path, flags, reason):
    told = {"tasks": "walker-run", "agent": "tdmpc2", "device": "cpu"} | flags
    with pytest.raises(NewtError, match=f"an agent 'tdmpc2' {reason}") as raised:
        check_settings(Asked(flags=told), runs=tmp_path)
    assert len(str(raised.value).splitlines()) == 1


def test_demonstrations_are_not_its_business(tmp_path, library):
    with pytest.raises(ConfigError, match="does not learn from demonstrations"):
        check_settings(asked(tasks="short-reach", agent="tdmpc2", demos=str(tmp_path)),
                       specs=[tmp_path / "specs"])  # fmt: skip


def test_it_learns_without_text_or_cloning_and_as_often_as_it_steps(tmp_path, library, monkeypatch):
    coefficients: set[float] = set()
    update = Learner.update

    def watched(self, batch, *, bc_coef=0.0, **others):
        coefficients.add(bc_coef)
        return update(self, batch, bc_coef=bc_coef, **others)

    monkeypatch.setattr(Learner, "update", watched)
    often = ("update.updates_per_step=1.0", "update.catch_up=true", "demos.cloning=true")
    runs = begun(tmp_path, "a", *often)
    train_each(ListContext(runs))
    assert coefficients == {0.0}
    folder = runs.run(runs.members[0])
    # The updates of the random steps are made up for: as many as steps.
    last = read_metrics(folder.metrics_file)[-1]
    assert (last["step"], last["updates"]) == (20, 20)
    weights = load_checkpoint(folder.checkpoints / "last.pt")["agent"]["model"]
    latent, hidden = 16, 32
    assert weights["policy.first.linear.weight"].shape == (hidden, latent)
    assert weights["q.weight_0"].shape[-1] == latent + 16


def test_killed_it_ends_like_an_unbroken_one_and_is_evaluated_like_any_other(tmp_path, library):
    whole = begun(tmp_path, "whole")
    watcher = Watcher()
    train_each(ListContext(whole, progress=watcher))
    made = begun(tmp_path, "killed")
    with pytest.raises(Killed):
        train_each(ListContext(made, progress=Killer(len(watcher.seen) // 3)))
    train_each(existing_list(RunList(made.path), Asked()))
    assert differences(last_states(made), last_states(whole)) == []
    checkpoint = whole.run(whole.members[1]).checkpoints / "last.pt"
    summary = evaluate_checkpoint(
        EvaluationRequest(checkpoint, None, 2, device="cpu"), library=library
    )
    assert (list(summary.tasks), summary.mode) == (["short-reach"], "planning")


def test_how_long_it_takes_is_measured_on_its_own_networks(monkeypatch):
    torch.set_num_threads(1)
    config = resolve_config("smoke", tasks="cartpole-balance", agent="tdmpc2", device="cpu")
    made = forecast(config, load_specs().select("cartpole-balance"))
    assert made.seconds is not None
    assert made.steps == config.steps


def test_a_run_keeps_its_kind(tmp_path, library):
    runs = begun(tmp_path, "a")
    assert {run_settings(runs.run(member)).agent.kind for member in runs.members} == {"tdmpc2"}
