"""What may change when a run goes on takes effect; all else is refused."""

from __future__ import annotations

import re
import typing
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import torch

from newt_core.agents.newt.config import UpdateConfig
from newt_core.agents.newt.update import Learner
from newt_core.errors import ConfigError, RunFolderError
from newt_core.settings.base import Part
from newt_core.specs import SpecLibrary, load_specs
from newt_core.training.config import (
    RunConfig,
    resolve_config,
    setting_fields,
    with_absolute_paths,
)
from newt_core.training.health import Health
from newt_core.training.metrics import read_metrics
from newt_core.training.progress import Unwatched
from newt_core.training.resume import heeded_in, resumed_config
from newt_core.training.run_folder import RunFolder
from newt_core.workflows import train as workflow
from newt_core.workflows.context import RunContext
from newt_core.workflows.train import interact, train
from tests.fixtures.demonstrations import write_demos
from tests.fixtures.models import model
from tests.fixtures.short_tasks import SPECS

pytestmark = pytest.mark.timeout(300)  # Every evaluation starts worker processes.

SITUATIONS: dict[str, set[Part]] = {
    "newt pretrain": {"pretraining"},
    "pretraining": {"pretraining", "beginning", "interaction"},
    "not yet saved": {"beginning", "interaction"},
    "interacting": {"interaction"},
}
"""Where a run may be when it goes on → what it still has before it."""

OTHER_TEXTS = {
    "device": "cuda:1",
    "tasks": "walker-walk",
    "replay.storage": "ram",
    "ray": "10.0.0.1:6379",
}


def begun(root: Path, situation: str, name: str = "a") -> RunFolder:
    """A run that has got somewhere."""
    demos = "" if situation in ("not yet saved", "interacting") else "demos"
    config = resolve_config(tasks="walker-run", demos=demos, text_encoder="hashed")
    folder = RunFolder.create(name, config.to_yaml(), root=root)
    if situation in ("newt pretrain", "interacting"):
        folder.checkpoints.mkdir()
        (folder.checkpoints / "step_000000010.pt").touch()
    return folder


def another(name: str, value: Any) -> Any:
    """Another value that the setting may have."""
    if name in OTHER_TEXTS:
        return OTHER_TEXTS[name]
    choices = typing.get_args(setting_fields()[name].annotation)
    if typing.get_origin(setting_fields()[name].annotation) is typing.Literal:
        return next(choice for choice in choices if choice != value)
    if Path in choices:
        return Path("other").resolve()
    if isinstance(value, dict):
        return {"size": 1}
    if isinstance(value, list):
        return [0.5]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return (value or 0.5) * 0.9 if isinstance(value, float) else f"{value or ''}other"


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", setting_fields())
def test_a_changed_setting_is_carried_on_or_refused(tmp_path, name, situation):
    folder = begun(tmp_path, situation)
    before = with_absolute_paths(resolve_config(config_file=folder.config_file))
    old = attrgetter(name)(before)
    new = another(name, old)
    pretraining = situation == "newt pretrain"
    change = f"{name}={new}"
    if SITUATIONS[situation] & heeded_in(setting_fields()[name]):
        after = resumed_config(folder, [change], pretraining=pretraining)
        assert attrgetter(name)(after) == new
        others = set(setting_fields()) - {name}
        assert all(attrgetter(field)(after) == attrgetter(field)(before) for field in others)
        return
    with pytest.raises(ConfigError) as error:
        resumed_config(folder, [change], pretraining=pretraining)
    first, second = str(error.value).splitlines()
    assert f"'{name}' cannot change on the way ({old} there, {new} here)" in first
    assert "start another run with --run NAME" in first
    assert second.startswith("What can change: ")
    assert name not in second.split(", ")


def test_which_settings_a_run_that_interacts_lets_change():
    """By what reads them: each of these is looked at anew, at every step or when a run begins."""
    fields = setting_fields()
    changeable = {name for name in fields if "interaction" in heeded_in(fields[name])}
    assert changeable >= {
        *("steps", "device", "wandb", "ray", "images.weights", "replay.sampling"),
        *("evaluation.every", "evaluation.episodes", "checkpoint.every", "checkpoint.keep"),
        *("update.lr", "update.encoder_lr", "update.grad_clip", "update.precision"),
        *("update.compile", "update.batch_size", "update.bc_coef", "planner.num_samples"),
    }
    kept = {name for name in fields if not heeded_in(fields[name])}
    assert kept == {
        *("tasks", "seed", "envs_per_task", "pretrained", "text.instruction"),
        *("text.embodiment", "text.encoder", "text.weights", "images.encoder"),
        "random_phase.until_reward",
        *("agent.kind", "agent.options", "model.size", "model.obs", "model.frame_stack"),
        *("model.q_dropout", "planner.enabled"),
        *("replay.capacity", "replay.storage"),
        *(f"demos.{name}" for name in RunConfig().demos.model_dump()),
    }
    # The updates owed are counted over the whole run: another rate would bring a burst or a halt.
    assert "interaction" not in heeded_in(fields["update.updates_per_step"])


def test_every_refused_setting_is_named_with_those_that_may_change(tmp_path):
    folder = begun(tmp_path, "interacting")
    with pytest.raises(ConfigError) as error:
        resumed_config(folder, ["update.lr=1", "pretrain.updates=7"], seed=4)
    first, second = str(error.value).splitlines()
    assert "'seed' cannot change on the way (0 there, 4 here)" in first
    assert "'pretrain.updates'" in first
    assert "it has an effect only while a run pretrains" in first
    assert "update.lr" not in first
    assert "steps, device" in second
    assert "evaluation.{every,episodes,at}" in second
    assert "update.{" in second
    assert "pretrain" not in second


def test_a_setting_given_as_it_was_is_no_change(tmp_path):
    folder = begun(tmp_path, "interacting")
    assert resumed_config(folder, ["model.size=20M"], seed=0).seed == 0


def test_the_way_out_of_diverged_training_is_open(tmp_path):
    """The settings that the error names can be changed, as it says."""
    (tmp_path / "last.pt").touch()
    error = Health(Learner(model(), UpdateConfig()), tmp_path).diverged("a loss is nan", 5)
    assert "--resume" in str(error)
    named = set(re.findall(r"update\.\w+", str(error)))
    assert len(named) == 3
    values = {"update.lr": 1e-5, "update.grad_clip": 1.0, "update.precision": "float32"}
    for number, situation in enumerate(SITUATIONS):
        folder = begun(tmp_path, situation, f"run{number}")
        given = resolve_config(config_file=folder.config_file).to_yaml()
        folder.config_file.write_text(given.replace("precision: float32", "precision: bfloat16"))
        for name in named:
            pretraining = situation == "newt pretrain"
            changed = resumed_config(folder, [f"{name}={values[name]}"], pretraining=pretraining)
            assert attrgetter(name)(changed) == values[name]


# -- real runs -------------------------------------------------------------------------------------


@pytest.fixture
def library(tmp_path: Path) -> SpecLibrary:
    torch.set_num_threads(1)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/short.yaml").write_text(SPECS)
    library = load_specs([tmp_path / "specs"])
    write_demos(tmp_path / "demos", 3, library["short-balance"])
    return library


def tiny(tmp_path: Path, *changes: str, **flags: Any) -> RunConfig:
    changes = ("update.updates_per_step=0.5", "random_phase.episodes=1", *changes)
    flags = {"tasks": "short-balance", "device": "cpu", "steps": 30, "updates": 4} | flags
    return resolve_config("smoke", None, changes, **flags)


def test_a_run_that_goes_on_learns_as_it_is_told_by_now(tmp_path, library, monkeypatch):
    def run(config: RunConfig, *, resume: bool) -> None:
        interact(RunContext(config, folder, library), resume=resume)

    config = tiny(tmp_path, "evaluation.every=0")
    folder = RunFolder.create("a", config.to_yaml(), root=tmp_path / "runs")
    run(config, resume=False)
    assert sorted(folder.read_evaluations()) == [30]

    seen = []
    update = Learner.update

    def watched(self: Learner, batch: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        rates = [group["lr"] for group in self.model_optimiser.param_groups]
        seen.append((*rates, self.config.precision, batch.reward.shape[1], self.config.grad_clip))
        return update(self, batch, **kwargs)

    monkeypatch.setattr(Learner, "update", watched)
    changes = ["update.lr=1e-5", "update.encoder_lr=2e-5", "update.precision=bfloat16"]
    changes += ["update.batch_size=7", "update.grad_clip=3", "evaluation.every=10"]
    run(resumed_config(folder, changes, steps=50), resume=True)
    assert set(seen) == {(2e-5, 1e-5, "bfloat16", 7, 3.0)}
    assert sorted(folder.read_evaluations()) == [30, 40, 50]


def test_pretraining_can_be_made_longer_until_it_is_over(tmp_path, library):
    def run(config: RunConfig, stop_after: int = 10**6) -> None:
        asked = iter(range(10**6))
        train(
            RunContext(config, folder, library, Unwatched(), lambda: next(asked) >= stop_after),
            resume=True,
        )

    config = tiny(
        tmp_path,
        "pretrain.final_evaluation=policy",
        "evaluation.every=0",
        demos=str(tmp_path / "demos"),
        steps=20,
    )
    folder = RunFolder.create("a", config.to_yaml(), root=tmp_path / "runs")
    run(config, stop_after=2)
    longer = resumed_config(folder, updates=7)
    folder.config_file.write_text(longer.to_yaml())
    run(longer)
    metrics = read_metrics(folder.path / "pretraining/metrics.jsonl")
    assert metrics[-1]["step"] == 7
    with pytest.raises(ConfigError, match=r"'pretrain.updates' cannot change.*7 there, 9 here"):
        resumed_config(folder, updates=9)


def test_nobody_changes_the_settings_of_a_run_at_work(tmp_path, library, monkeypatch):
    config = tiny(tmp_path, demos=str(tmp_path / "demos"))
    folder = RunFolder.create("a", config.to_yaml(), root=tmp_path / "runs")
    part = RunFolder.create("pretraining", config.to_yaml(), root=folder.path)

    def run(settings: RunConfig) -> None:
        train(RunContext(settings, folder, library, Unwatched(), lambda: True), resume=True)

    changed = resumed_config(folder, ["update.lr=1"])
    before = part.config_file.read_text()
    for at_work in (folder, part):
        with at_work.lock(), pytest.raises(RunFolderError, match="is being trained in by"):
            run(changed)
        assert part.config_file.read_text() == before

    def while_pretraining(*args: Any, **kwargs: Any) -> Any:
        with pytest.raises(RunFolderError), folder.lock():
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "pretrain", while_pretraining)
    with pytest.raises(KeyboardInterrupt):
        run(changed)
    with folder.lock():  # It is free again.
        pass
