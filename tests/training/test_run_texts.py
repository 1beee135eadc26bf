"""A run keeps the texts' vectors that it began with, and evaluation can tell it something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

import newt_core
from newt_core.agents.base import Acting
from newt_core.agents.newt.agent import NewtAgent
from newt_core.encoders import FileEncoder, HashedEncoder, TextOptions
from newt_core.encoders.text.file import write_table
from newt_core.errors import CheckpointError, ConfigError, SpecError, WeightsError
from newt_core.specs import SpecLibrary, Wording, load_specs
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import resolve_config
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.context import RunContext
from newt_core.workflows.evaluate import EvaluationRequest, evaluate_checkpoint
from newt_core.workflows.load_agent import load_agent
from newt_core.workflows.run_parts import RunParts
from newt_core.workflows.train import interact

SPECS = """
domain: dmcontrol
defaults:
  env: {domain_name: cartpole, task_name: balance}
  embodiment: A cart on a rail carries a pole.
  obs_dim: 5
  action_dim: 1
  episode_length: 10
  action_repeat: 2
  reward: dense
  score: {kind: return, low: 0, high: 20}
tasks:
  - id: short-balance
    instruction: Keep the pole upright.
  - id: short-again
    instruction: Do not let the pole fall.
"""
TABLE = {"short-balance": np.linspace(-1, 1, 512, dtype=np.float32)}
"""A vector that no other encoder gives."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on one task with a table of vectors, in this folder, and lose the table."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "specs").mkdir()
    (folder / "specs" / "short.yaml").write_text(SPECS)
    write_table(folder / "table.npz", TABLE)
    train_in(folder, steps=40)
    (folder / "table.npz").rename(folder / "elsewhere.npz")
    return folder


def library(folder: Path) -> SpecLibrary:
    return load_specs([folder / "specs"])


def train_in(folder: Path, steps: int, *, resume: bool = False) -> None:
    torch.set_num_threads(1)
    config = resolve_config(
        "smoke",
        None,
        ("update.updates_per_step=0.1", "checkpoint.every=20", "replay.capacity=500"),
        tasks="short-balance",
        steps=steps,
        device="cpu",
        text_encoder="file",
        text_weights=str(folder / "table.npz"),
    )
    place = RunFolder(folder / "runs" / "a")
    if not resume:
        place = RunFolder.create("a", config.to_yaml(), root=folder / "runs")
    interact(RunContext(config, place, library(folder)), resume=resume)


@pytest.fixture
def last(folder: Path) -> Path:
    return folder / "runs" / "a" / "checkpoints" / "last.pt"


def test_a_checkpoint_remembers_encoder_and_vectors(folder: Path, last: Path) -> None:
    payload = load_checkpoint(last)
    assert payload["text_encoder"] == FileEncoder(folder / "elsewhere.npz").name
    np.testing.assert_array_equal(payload["text"], [TABLE["short-balance"]])


def test_a_run_goes_on_without_its_encoder(folder: Path, last: Path) -> None:
    before = load_checkpoint(last)["counters"]["steps"]
    train_in(folder, before + 20, resume=True)
    payload = load_checkpoint(last)
    assert payload["counters"]["steps"] == before + 20
    np.testing.assert_array_equal(payload["text"], [TABLE["short-balance"]])


Evaluate = Callable[..., Mapping[str, object]]


@pytest.fixture
def evaluate(folder: Path, last: Path) -> Evaluate:
    def run(tasks: str | None, text: TextOptions | None = None) -> Mapping[str, object]:
        specs = library(folder)
        return evaluate_checkpoint(
            EvaluationRequest(last, tasks, 1, how=Acting(policy_only=True), text=text),
            library=specs,
        ).tasks

    return run


def test_trained_tasks_are_evaluated_without_the_encoder(evaluate: Evaluate) -> None:
    assert list(evaluate(None)) == ["short-balance"]


def test_new_texts_need_the_encoder(evaluate: Evaluate, folder: Path) -> None:
    with pytest.raises(WeightsError, match="--text-weights"):
        evaluate("short-again")
    elsewhere = folder / "elsewhere.npz"
    with pytest.raises(ConfigError, match="no vector for the task 'short-again'"):
        evaluate("short-again", TextOptions(weights=elsewhere))
    with pytest.raises(ConfigError, match="new wording"):
        evaluate("short-balance", TextOptions(Wording("Fall."), weights=elsewhere))
    write_table(folder / "other.npz", {"short-again": TABLE["short-balance"]})
    with pytest.raises(WeightsError, match="whose vectors differ"):
        evaluate("short-again", TextOptions(weights=folder / "other.npz"))


def test_another_encoder_is_refused(evaluate: Evaluate) -> None:
    with pytest.raises(CheckpointError, match="learned with texts embedded by 'file-"):
        evaluate("short-balance", TextOptions(encoder="hashed"))


@pytest.fixture
def hashed(last: Path, tmp_path: Path) -> Path:
    """The same agent, as if it had learned with hashed texts."""
    payload = torch.load(last, weights_only=True)
    payload["text_encoder"] = "hashed-v1"
    torch.save(payload, tmp_path / "hashed.pt")
    return tmp_path / "hashed.pt"


def test_an_agent_hears_the_wording(folder: Path, hashed: Path) -> None:
    specs = library(folder)
    text = TextOptions(Wording(instruction="Let it fall."))
    agent, tasks = load_agent(hashed, [specs["short-balance"]], library=specs, text=text)
    said = "Embodiment: A cart on a rail carries a pole. Instruction: Let it fall."
    assert isinstance(agent, NewtAgent)
    assert [task.text for task in tasks] == [said]
    np.testing.assert_array_equal(agent.model.text.cpu(), HashedEncoder().encode([said]))
    summary = evaluate_checkpoint(
        EvaluationRequest(hashed, "short-balance", 1, text=text), library=specs
    )
    assert list(summary.tasks) == ["short-balance"]
    with pytest.raises(SpecError, match="2 are chosen"):
        evaluate_checkpoint(EvaluationRequest(hashed, "short-*", 1, text=text), library=specs)


def test_a_run_can_be_told_something_else(folder: Path) -> None:
    specs = library(folder)
    config = resolve_config(
        "smoke", None, (), text_encoder="hashed", instruction="Let it fall.", embodiment="A pole."
    )
    name, vectors = RunParts(config, [specs["short-balance"]]).texts
    said = "Embodiment: A pole. Instruction: Let it fall."
    assert name == "hashed-v1"
    np.testing.assert_array_equal(vectors, HashedEncoder().encode([said]))
    with pytest.raises(SpecError, match="2 are chosen"):
        _ = RunParts(config, specs.select("short-*")).texts


def test_python_users_can_say_it_too(folder: Path, hashed: Path) -> None:
    obs = np.array([0.3, 0.9, 0.1, 0.2, -0.4], np.float32)
    actions = []
    for instruction in (None, "Let it fall."):
        agent = newt_core.load(
            hashed,
            "short-balance",
            specs=[folder / "specs"],
            device="cpu",
            policy_only=True,
            instruction=instruction,
        )
        actions.append(agent.act(obs, task="short-balance"))
    assert np.abs(actions[0] - actions[1]).max() > 1e-6
