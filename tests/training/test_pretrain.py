"""Pretraining: it imitates, warms up, can be stopped, killed and resumed, and says how it went."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from newt_core.agents.base import Acting
from newt_core.demos.schema import DemoEpisode
from newt_core.demos.write import writing
from newt_core.errors import CheckpointError, DemoError
from newt_core.specs import SpecLibrary, TaskSpec, load_specs
from newt_core.training.config import resolve_config
from newt_core.training.loss_curves import CURVES, loss_figure
from newt_core.training.metrics import MetricsLogger, Row, read_metrics
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.context import RunContext
from newt_core.workflows.evaluate import EvaluationRequest, evaluate_checkpoint
from newt_core.workflows.pretrain import Pretrained, pretrain
from newt_core.workflows.train import interact
from tests.fixtures.pretrainers import agent_of, config, followers, pretrainer, run
from tests.fixtures.short_tasks import SPECS


def test_the_policy_learns_to_do_what_was_demonstrated(tmp_path: Path):
    _, learned = run(tmp_path / "a", config(150))
    rows = [row for row in read_metrics(tmp_path / "a" / "metrics.jsonl") if "loss/cloning" in row]
    assert rows[-1]["step"] == 150
    agent = agent_of(learned)
    batch = followers().sample(200, 1, torch.Generator().manual_seed(9))
    with torch.no_grad():
        z = agent.model.encode(batch.obs[0], batch.task)
        mean = agent.model.bind(batch.task).policy(z, torch.zeros(200, 16)).mean[:, :2]
    wanted = batch.action[0, :, :2]
    # An action drawn blindly from those demonstrated would be off by 2/3 of this, squared.
    assert float((mean - wanted).square().mean()) < 0.15 * float(wanted.square().mean())


def test_the_learning_rate_warms_up(tmp_path: Path):
    settings = config(20, **{"update.warmup_updates": 10})
    with MetricsLogger(tmp_path / "metrics.jsonl") as metrics:
        made = pretrainer(tmp_path, settings, metrics)
        rates: list[float] = []

        def note_rate() -> bool:
            rates.append(agent_of(made).learner.model_optimiser.param_groups[-1]["lr"])
            return False

        made.should_stop = note_rate
        made.run()
    lr = settings.update.lr
    assert rates[1:11] == pytest.approx([lr * n / 10 for n in range(1, 11)])
    assert rates[12:] == pytest.approx([lr] * len(rates[12:]))


def test_it_may_learn_faster_than_the_interaction_after_it(tmp_path: Path):
    run(tmp_path / "a", config(20, **{"pretrain.lr_factor": 3.0, "update.lr": 1e-4}))
    row = [row for row in read_metrics(tmp_path / "a/metrics.jsonl") if "lr" in row][-1]
    assert row["lr"] == pytest.approx(3e-4)


def test_a_stopped_run_goes_on_to_the_very_same_weights(tmp_path: Path):
    settings = config(12)
    _, whole = run(tmp_path / "whole", settings)

    asked = count()
    stops = {"should_stop": lambda: next(asked) >= 5}
    result, _ = run(tmp_path / "parts", settings, **stops)
    assert result.interrupted
    assert (result.updates, result.scores) == (5, {})
    state = torch.load(tmp_path / "parts/checkpoints/last.pt", weights_only=True)
    with MetricsLogger(tmp_path / "parts/metrics.jsonl", restored_step=5) as metrics:
        resumed = pretrainer(tmp_path / "parts", settings, metrics)
        resumed.load_state_dict(state)
        result = resumed.run()
    assert not result.interrupted
    for name, value in agent_of(whole).model.state_dict().items():
        assert torch.equal(value, agent_of(resumed).model.state_dict()[name]), name


def test_stopped_in_the_last_evaluation_it_only_has_that_to_do(tmp_path: Path):
    settings = config(3)
    result, stopped = run(tmp_path / "a", settings, stopped_evaluating=True)
    assert (result.updates, result.scores, result.interrupted) == (3, {}, True)
    state = torch.load(tmp_path / "a/checkpoints/last.pt", weights_only=True)
    with MetricsLogger(tmp_path / "a/metrics.jsonl", restored_step=3) as metrics:
        resumed = pretrainer(tmp_path / "a", settings, metrics)
        resumed.load_state_dict(state)
        result = resumed.run()
    assert (result.updates, result.scores, result.interrupted) == (3, {"policy": 0.5}, False)
    for name, value in agent_of(stopped).model.state_dict().items():
        assert torch.equal(value, agent_of(resumed).model.state_dict()[name]), name


def test_evaluations_come_when_asked_for_and_at_the_end(tmp_path: Path):
    evaluations: list[tuple[int, bool]] = []
    settings = config(7, **{"pretrain.evaluate_every": 3})
    result, _ = run(tmp_path / "a", settings, evaluations=evaluations)
    assert evaluations == [(3, False), (6, False), (7, True)]
    assert result.scores == {"policy": 0.5}


def test_a_loss_that_was_logged_once_can_be_seen():
    rows: list[Row] = [{"step": 20, "loss/reward": 2.0, "loss/value": 1.0}, {"step": 30}]
    rows.append({"step": 40, "loss/value": 3.0, "loss/reward": None})
    figure = loss_figure(rows, "updates", ["loss/reward", "loss/value"])
    reward, value = (axes.lines[0] for axes in figure.axes)
    assert (reward.get_marker(), value.get_marker()) == ("o", "o")
    assert np.asarray(value.get_xydata()).tolist() == [[20, 1.0], [40, 3.0]]
    many: list[Row] = [{"step": step, "loss/value": 1.0} for step in range(100)]
    assert loss_figure(many, "updates", ["loss/value"]).axes[0].lines[0].get_marker() == "None"
    # A logarithmic scale would leave out what is 0.
    zero: list[Row] = [{"step": 20, "loss/value": 0.0}]
    (axes,) = loss_figure(zero, "updates", ["loss/value"]).axes
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[0] < 0.0 < axes.get_ylim()[1]
    # As wide as its panels beside each other.
    assert tuple(figure.get_size_inches()) == pytest.approx((2 * 3.2, 2.6))


@pytest.fixture
def library(tmp_path: Path) -> SpecLibrary:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/short.yaml").write_text(SPECS)
    return load_specs([tmp_path / "specs"])


def pushes(spec: TaskSpec, number: int) -> DemoEpisode:
    generator = np.random.default_rng(number)
    ends = np.zeros(10, np.bool_)
    ends[-1] = True
    return DemoEpisode(
        observations=generator.normal(size=(11, 5)).astype(np.float32),
        actions=generator.uniform(-1, 1, (10, 1)).astype(np.float32),
        rewards=np.ones(10, np.float32),
        terminations=np.zeros(10, np.bool_),
        truncations=ends,
        success=np.full(10, np.nan, np.float32),
        score=np.full(10, 0.5, np.float32),
    )


def from_start_to_end(
    folder: RunFolder, library: SpecLibrary, demos: Path, *, resume: bool = False
) -> Pretrained:
    settings = resolve_config(
        "smoke", None, (), tasks="short-balance", updates=6, device="cpu", demos=str(demos)
    )
    return pretrain(RunContext(settings, folder, library), resume=resume)


def test_from_files_to_scores(tmp_path: Path, library):
    spec = library["short-balance"]
    with writing(tmp_path / "demos/short-balance.h5", spec, "random") as writer:
        writer.add([pushes(spec, number) for number in range(3)])
    folder = RunFolder.create("a", "", root=tmp_path / "runs")
    outcome = from_start_to_end(folder, library, tmp_path / "demos")
    assert set(outcome.scores) == {"policy", "planning", "constrained planning"}
    assert outcome.curves.read_bytes().startswith(b"\x89PNG")
    panels = loss_figure(read_metrics(folder.metrics_file), "updates", tuple(CURVES)).axes
    assert [panel.get_title(loc="left") for panel in panels] == list(CURVES.values())
    assert {panel.get_xlabel() for panel in panels} == {"updates"}
    assert {panel.get_yscale() for panel in panels} == {"log"}
    document = json.loads((folder.path / "eval/6.json").read_text())
    assert set(document["modes"]) == set(outcome.scores)
    assert document["tasks"]["short-balance"]["score"] == outcome.scores["policy"]
    rows = read_metrics(folder.metrics_file)
    names = ("loss/consistency", "loss/reward", "loss/value", "loss/cloning")
    assert set(names) <= set(rows[0])
    # Whatever reads checkpoints reads this one.
    summary = evaluate_checkpoint(
        EvaluationRequest(outcome.checkpoint, None, 1, how=Acting(policy_only=True)),
        library=library,
    )
    assert set(summary.tasks) == {"short-balance"}
    # A finished run has nothing to do, and the online trainer does not mistake it for its own.
    again = from_start_to_end(folder, library, tmp_path / "demos", resume=True)
    assert again.scores == outcome.scores
    with pytest.raises(CheckpointError, match="was made by 'newt pretrain'"):
        interact(
            RunContext(
                resolve_config("smoke", None, (), tasks="short-balance", device="cpu"),
                folder,
                library,
            ),
            resume=True,
        )


def test_without_demonstrations_it_says_so(tmp_path: Path, library):
    folder = RunFolder.create("a", "", root=tmp_path / "runs")
    with pytest.raises(DemoError, match="does not exist"):
        from_start_to_end(folder, library, tmp_path / "demos")
