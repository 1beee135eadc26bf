from pathlib import Path
from typing import Any

import pytest
import torch

from newt_core.errors import CheckpointError
from newt_core.specs import load_specs
from newt_core.training.config import RunConfig
from newt_core.training.content import content_of
from tests.fixtures.contents import STATE, payload_of

TASK = {"id": "a", "version": 1, "spec_hash": "b", "obs_dim": 3, "action_dim": 1}


def payload(**change: Any) -> dict[str, Any]:
    return payload_of(RunConfig(tasks="walker-run"), [load_specs()["walker-run"]]) | change


def test_a_checkpoint_of_an_earlier_newt_says_when_learning_began():
    # Then, it stood among the trainer's counters.
    old = payload(counters={"steps": 40, "learning_began": 12})
    assert content_of(old, Path("old.pt")).state["interaction"] == {"learning_began": 12}
    new = payload(interaction={"learning_began": None})
    assert content_of(new, Path("new.pt")).state["interaction"] == {"learning_began": None}


def test_a_checkpoint_of_an_earlier_newt_has_its_settings_under_the_names_of_today():
    old = payload()
    now = old["config"]
    text, images, demos = now.pop("text"), now.pop("images"), now.pop("demos")
    now |= {"text_encoder": "zero", "text_weights": None, "instruction": "Run.", "embodiment": None}
    now |= {"image_encoder": "tiny", "image_weights": "dino.pt", "demos": "mine"}
    now["demo_use"] = {"cloning": False, "batch_share": 0.25}
    config = content_of(old, Path("old.pt")).run.config
    assert config.text == config.text.model_copy(update={"encoder": "zero", "instruction": "Run."})
    assert (config.images.encoder, config.images.weights) == ("tiny", Path("dino.pt"))
    assert config.demos.model_dump() == demos | {
        "folder": Path("mine"), "cloning": False, "batch_share": 0.25
    }  # fmt: skip
    assert (text["encoder"], images["encoder"]) == ("auto", "dinov2")  # another one than above


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": None}, "not as Newt writes checkpoints"),
        ({"tasks": [{"id": "a"}]}, "not as Newt writes checkpoints"),
        ({"phase": "sleeping"}, "there is no phase 'sleeping'"),
        ({"agent_kind": "ppo"}, "contradict each other"),
        ({"agent_kind": "bc"}, "contradict each other"),
        ({"text": torch.zeros(2, 512)}, "contradict each other"),
        ({"counters": {}}, "it has no 'steps'"),
        ({"config": {"planer": {}}}, "there is no setting 'planer'"),
        ({"config": 5}, "'config' is a int"),
        ({"config": {"steps": "many"}}, "steps"),
        ({"config": {"model": [1]}}, "model is a group of settings"),
        ({"tasks": {"walker-run": 1}}, "'tasks' is a dict"),
        ({"tasks": ["walker-run"]}, "not as Newt writes checkpoints"),
        ({"tasks": [{**TASK, "obs_dim": "24"}]}, "a task's 'obs_dim' is '24'"),
        ({"tasks": [{**TASK, "id": 5}]}, "a task's 'id' is 5"),
        ({"text": [[0.0] * 512]}, "'text' is a list"),
        ({"text": torch.zeros(1, 3)}, "'text' is not 512 finite numbers"),
        ({"text": torch.full((1, 512), float("nan"))}, "'text' is not 512 finite numbers"),
        ({"text": torch.zeros(())}, "not as Newt writes checkpoints"),
        ({"text_encoder": 5}, "'text_encoder' is a int"),
        ({"image_encoder": ["tiny"]}, "'image_encoder' is a list"),
        ({"newt_version": 1.0}, "'newt_version' is a float"),
        ({"git_version": 5}, "'git_version' is a int"),
        ({"phase": 5}, "'phase' is a int"),
        ({"agent": [1]}, "'agent' is a list"),
        ({"counters": [1]}, "'counters' is a list"),
        ({"counters": {"steps": "many"}}, "'steps' is 'many'"),
        ({"counters": {"steps": 1.5}}, "'steps' is 1.5"),
        ({"counters": {"steps": -1}}, "'steps' is -1"),
        ({"counters": {"steps": 1, "updates": None}}, "'updates' is None"),
    ],
)
def test_a_checkpoint_that_lacks_something_says_what(change, message):
    with pytest.raises(CheckpointError) as error:
        content_of(payload(**change), Path("odd.pt"))
    assert str(error.value).startswith("odd.pt: ")
    assert str(error.value).isprintable()
    assert message in str(error.value)


@pytest.mark.parametrize("part", ["config", "tasks", "text", "text_encoder", "agent", "counters"])
def test_a_checkpoint_without_one_of_its_parts_names_it(part):
    incomplete = payload()
    del incomplete[part]
    with pytest.raises(CheckpointError, match=f"odd.pt: incomplete: it has no '{part}'"):
        content_of(incomplete, Path("odd.pt"))


def test_a_description_comes_back_as_it_was_written():
    run = content_of(payload(), Path("a.pt")).run
    again = content_of(run.to_payload() | STATE, Path("a.pt")).run
    assert (again.config, again.tasks, again.phase) == (run.config, run.tasks, run.phase)
    assert (again.newt_version, again.git_version) == (run.newt_version, run.git_version)
    assert torch.equal(again.text, run.text)


def test_a_pretraining_counts_its_updates():
    with pytest.raises(CheckpointError, match="incomplete: it has no 'updates'"):
        content_of(payload(phase="pretraining", counters={"steps": 0}), Path("odd.pt"))
