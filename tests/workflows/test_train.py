"""Demonstrations in a run: pretraining, planning near the policy, batches, seeding, cloning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from newt_core.agents.base import Acting
from newt_core.agents.newt.actor import Actor
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.update import Learner
from newt_core.demos.schema import DemoEpisode
from newt_core.demos.write import writing
from newt_core.errors import DemoError
from newt_core.replay import Mixture, ReplayBuffer
from newt_core.specs import SpecLibrary, TaskSpec, load_specs
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.metrics import read_metrics
from newt_core.training.outcome import Scores
from newt_core.training.progress import RunStatus, Unwatched
from newt_core.training.run_folder import RunFolder
from newt_core.training.schedule import prior_weight
from newt_core.types import Episode
from newt_core.workflows import pretrain
from newt_core.workflows import train as workflow
from newt_core.workflows.context import RunContext
from newt_core.workflows.evaluate import EvaluationRequest, evaluate_checkpoint
from newt_core.workflows.load_agent import load_agent
from newt_core.workflows.train import Trained, interact, train
from tests.fixtures.short_tasks import SPECS

pytestmark = [pytest.mark.usefixtures("tiny_networks"), pytest.mark.timeout(300)]

DEMONSTRATED = 3
"""Demonstrations, all of short-balance."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def library(tmp_path: Path) -> SpecLibrary:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/short.yaml").write_text(SPECS)
    library = load_specs([tmp_path / "specs"])
    spec = library["short-balance"]
    with writing(tmp_path / "demos/short-balance.h5", spec, "random") as writer:
        writer.add([demonstration(spec, number) for number in range(DEMONSTRATED)])
    return library


def demonstration(spec: TaskSpec, number: int) -> DemoEpisode:
    generator = np.random.default_rng(number)
    ends = np.zeros(10, np.bool_)
    ends[-1] = True
    return DemoEpisode(
        observations=generator.normal(size=(11, 5)).astype(np.float32),
        actions=np.full((10, 1), 0.75, np.float32),
        rewards=np.ones(10, np.float32),
        terminations=np.zeros(10, np.bool_),
        truncations=ends,
        success=np.full(10, np.nan, np.float32),
        score=np.full(10, 0.5, np.float32),
    )


def settings(tmp_path: Path, *changes: str, **flags: object) -> RunConfig:
    overrides = (
        "update.updates_per_step=0.2",
        "planner.constrain_until=0.25",
        "planner.constrain_end=0.75",
        "evaluation.every=100",
        "replay.capacity=2000",
        "pretrain.final_evaluation=policy",
        *changes,
    )
    flags = {"tasks": "short-balance", "demos": str(tmp_path / "demos"), "steps": 80} | flags
    return resolve_config("smoke", None, overrides, updates=6, device="cpu", seed=3, **flags)


def run(
    config: RunConfig,
    folder: RunFolder,
    library: SpecLibrary,
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    how: Callable[..., Trained] = train,
) -> Trained:
    return how(RunContext(config, folder, library, Unwatched(), should_stop), resume=resume)


def new_folder(tmp_path: Path, config: RunConfig, name: str = "a") -> RunFolder:
    return RunFolder.create(name, config.to_yaml(), root=tmp_path / "runs")


def test_a_run_with_demonstrations_pretrains_and_then_interacts(tmp_path, library, monkeypatch):
    acted: list[tuple[bool, bool, float]] = []
    act = Actor.__call__

    def watched(self, *args):
        acted.append((self.settings.explore, self.settings.policy_only, self.settings.prior_weight))
        return act(self, *args)

    monkeypatch.setattr(Actor, "__call__", watched)
    config = settings(tmp_path)
    folder = new_folder(tmp_path, config)
    result = run(config, folder, library)
    assert (result.steps, result.interrupted) == (80, False)

    pretrained = load_checkpoint(folder.path / "pretraining/checkpoints/last.pt")
    assert pretrained["agent"]["learner"]["updates"] == 6
    learned = load_checkpoint(result.checkpoint)
    # The updates of the two parts are counted apart. Nothing is owed for the first episode.
    assert learned["agent"]["learner"]["updates"] == (80 - 10) * 0.2
    # The first episode follows the pretrained policy with its noise, the others plan near it
    # until a quarter of the run, and freely from three quarters on.
    training = [(policy_only, weight) for explore, policy_only, weight in acted if explore]
    assert len(training) == 80
    assert all(policy_only for policy_only, _ in training[:10])
    assert not any(policy_only for policy_only, _ in training[10:])
    weights = [weight for _, weight in training]
    assert weights[10:21] == [1.0] * 11
    assert weights[40] == pytest.approx(0.5)
    assert weights[60:] == [0.0] * 20
    rows = read_metrics(folder.metrics_file)
    assert rows[-1]["planner/prior_weight"] == 0.0


def test_an_agent_that_sees_learns_from_demonstrations_with_pictures(tmp_path, library):
    config = settings(tmp_path, "model.obs=both", "image_encoder=tiny", steps=40)
    folder = new_folder(tmp_path, config)
    with pytest.raises(DemoError, match=r"short-balance\.h5: episode_0: it holds no pictures"):
        run(config, folder, library)
    spec = library["short-balance"]
    (tmp_path / "demos/short-balance.h5").unlink()
    pictures = np.random.default_rng(0).integers(0, 256, (11, 224, 224, 3), np.uint8)
    with writing(tmp_path / "demos/short-balance.h5", spec, "random") as writer:
        writer.add([replace(demonstration(spec, 0), rgb=lambda: pictures)])
    result = run(config, folder, library)
    assert result.steps == 40
    pretrained = load_checkpoint(folder.path / "pretraining/checkpoints/last.pt")
    assert pretrained["image_encoder"] == load_checkpoint(result.checkpoint)["image_encoder"]
    assert pretrained["agent"]["learner"]["updates"] == 6
    # The online buffer began with the demonstration.
    assert read_metrics(folder.metrics_file)[-1]["replay/steps"] == 10 + 40


def test_the_first_weights_are_the_pretrained_ones(tmp_path, library, monkeypatch):
    config = settings(tmp_path, steps=10)
    folder = new_folder(tmp_path, config)
    monkeypatch.setattr(Learner, "_policy_step", lambda *args, **kwargs: pytest.fail("learned"))
    config = config.model_copy(
        update={"update": config.update.model_copy(update={"updates_per_step": 1e-9})}
    )
    result = run(config, folder, library)
    before = load_checkpoint(folder.path / "pretraining/checkpoints/last.pt")["agent"]["model"]
    after = load_checkpoint(result.checkpoint)["agent"]["model"]
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_each_use_has_its_switch(tmp_path, library, monkeypatch):
    seen: dict[str, Any] = {}
    update = Learner.update

    def watched(self, batch, *, bc_coef=0.0, joint=False, noise=None):
        if not joint:
            # Demonstrations have an action that planning never draws exactly.
            demonstrated = (batch.action[..., 0] == 0.75).all(0)
            seen.update(cloning=bc_coef > 0, rows=int(demonstrated.sum()))
        return update(self, batch, bc_coef=bc_coef, joint=joint, noise=noise)

    monkeypatch.setattr(Learner, "update", watched)
    unscored = Scores(0.0, {})
    monkeypatch.setattr(workflow, "_evaluator", lambda *parts: lambda step, tell: unscored)
    monkeypatch.setattr(pretrain, "_evaluator", lambda *parts: lambda updates, last, tell: {})

    def uses(*switches: str) -> dict[str, bool]:
        """What a run of these settings turns out to use demonstrations for."""
        config = settings(tmp_path, "evaluation.every=0", *switches, steps=20)
        folder = RunFolder.create(None, config.to_yaml(), root=tmp_path / "runs")
        run(config, folder, library)
        stored = read_metrics(folder.metrics_file)[-1]["replay/steps"]
        assert stored in (20, 20 + DEMONSTRATED * 10)
        return {
            "pretraining": (folder.path / "pretraining").exists(),
            "constrained_planning": prior_weight(config, 0) == 1.0,
            "batch_share": seen["rows"] >= config.update.batch_size // 2,
            "seeding": stored > 20,
            "cloning": seen["cloning"],
        }

    # No two switches are off in the same runs, so none can do another's work.
    for off in (
        {"pretraining", "cloning", "seeding"},
        {"batch_share", "seeding"},
        {"constrained_planning", "cloning"},
    ):
        values = {use: "0" if use == "batch_share" else "false" for use in off}
        found = uses(*(f"demos.{use}={value}" for use, value in values.items()))
        assert found == {use: use not in off for use in found}
        if "batch_share" in off:
            assert seen["rows"] == 0


def test_tasks_without_demonstrations_are_learned_beside_the_others(tmp_path, library):
    config = settings(tmp_path, tasks="short-balance,short-reach", steps=80)
    folder = new_folder(tmp_path, config)
    with pytest.warns(UserWarning, match="no demonstrations of short-reach"):
        result = run(config, folder, library)
    assert result.steps == 80
    assert set(folder.read_evaluations()[80]["tasks"]) == {"short-balance", "short-reach"}


def test_stopped_in_either_part_it_goes_on_there(tmp_path, library):
    config = settings(tmp_path)
    folder = new_folder(tmp_path, config)
    part = RunFolder(folder.path / "pretraining")
    asked = iter(range(1000))
    first = run(config, folder, library, should_stop=lambda: next(asked) >= 3)
    assert (first.interrupted, first.steps, first.score) == (True, 0, None)
    assert load_checkpoint(first.checkpoint)["counters"]["updates"] == 3
    assert first.checkpoint.is_relative_to(part.path)

    interacting = iter(range(1000))
    second = run(
        config,
        folder,
        library,
        resume=True,
        should_stop=lambda: folder.metrics_file.exists() and next(interacting) >= 30,
    )
    assert second.interrupted
    assert 0 < second.steps < 80
    made = part.metrics_file.read_bytes()
    third = run(config, folder, library, resume=True)
    assert (third.steps, third.interrupted) == (80, False)
    assert part.metrics_file.read_bytes() == made  # Pretraining was over.
    # The demonstrations went into the replay buffer once.
    rows = read_metrics(folder.metrics_file)
    assert rows[-1]["replay/steps"] == 80 + DEMONSTRATED * 10 - second.steps % 10

    seen: list[RunStatus] = []
    watcher = SimpleNamespace(update=seen.append)
    fourth = train(RunContext(config, folder, library, watcher), resume=True)
    assert (fourth.steps, fourth.score) == (80, third.score)
    assert seen[0].message.startswith("all of its 80 steps are taken already: --steps goes on")


def test_a_pretrained_checkpoint_can_be_gone_on_with(tmp_path, library):
    config = settings(tmp_path)
    folder = new_folder(tmp_path, config)
    asked = iter(range(1000))
    made = run(config, folder, library, should_stop=lambda: next(asked) >= 3)
    later = settings(
        tmp_path, tasks="short-reach", demos=None, pretrained=str(made.checkpoint), steps=40
    )
    assert later.begins_pretrained
    assert not later.pretrains
    assert prior_weight(later, 0) == 1.0
    result = run(later, new_folder(tmp_path, later, "b"), library, how=interact)
    assert result.steps == 40


def test_a_loaded_agent_plans_as_near_its_policy_as_in_its_run(tmp_path, library):
    config = settings(tmp_path, "planner.constrain_until=0.5", "planner.constrain_end=1.0")
    folder = new_folder(tmp_path, config)
    asked = iter(range(1000))
    result = run(
        config,
        folder,
        library,
        should_stop=lambda: folder.metrics_file.exists() and next(asked) >= 60,
    )
    assert result.interrupted
    steps = load_checkpoint(result.checkpoint)["counters"]["steps"]
    assert 40 < steps < 80
    agent, _ = load_agent(result.checkpoint, library=library, device="cpu")
    assert isinstance(agent, NewtAgent)
    assert agent.prior_weight == pytest.approx((80 - steps) / 40)
    pretrained = folder.path / "pretraining/checkpoints/last.pt"
    agent, _ = load_agent(pretrained, library=library, device="cpu")
    assert isinstance(agent, NewtAgent)
    assert agent.prior_weight == 1.0
    freely = evaluate_checkpoint(
        EvaluationRequest(result.checkpoint, None, 1, how=Acting(prior_weight=0.0)), library=library
    )
    assert freely.mode == "planning"
    as_in_its_run = evaluate_checkpoint(
        EvaluationRequest(result.checkpoint, None, 1), library=library
    )
    assert as_in_its_run.mode == "constrained planning"


def test_a_buffer_gives_back_its_episodes(tmp_path):
    generator = np.random.default_rng(0)
    buffer = ReplayBuffer(40, storage="ram")
    made = [
        Episode(
            task,
            generator.normal(size=(length + 1, 128)).astype(np.float32),
            generator.normal(size=(length, 16)).astype(np.float32),
            generator.normal(size=length).astype(np.float32),
        )
        for task, length in enumerate((9, 12, 10, 8))
    ]
    for episode in made:
        buffer.add(episode)
    found = list(Mixture(buffer).online.episodes())
    kept = made[-len(found) :]
    assert len(found) == buffer.num_episodes
    for one, other in zip(found, kept, strict=True):
        assert one.task == other.task
        np.testing.assert_array_equal(one.obs, other.obs)
        np.testing.assert_array_equal(one.action, other.action)
        np.testing.assert_array_equal(one.reward, other.reward)
