"""Runs of agents that see: short episodes of a real game, drawn, encoded, stored, learned from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import newt_core
from newt_core.agents.newt.agent import NewtAgent
from newt_core.encoders.image.tiny import TINY_NAME
from newt_core.errors import CheckpointError, InvalidActionError, WeightsError
from newt_core.specs import SpecLibrary, load_specs
from newt_core.training.checkpoint import load_checkpoint, save_checkpoint
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.progress import Unwatched
from newt_core.training.run_folder import RunFolder
from newt_core.types import FRAME_SIZE
from newt_core.workflows.context import RunContext
from newt_core.workflows.evaluate import EvaluationRequest, evaluate_checkpoint
from newt_core.workflows.load_agent import load_agent
from newt_core.workflows.train import Trained, interact
from tests.fixtures.listener import Listener
from tests.fixtures.short_tasks import PICTURED as SPECS

pytestmark = [pytest.mark.usefixtures("tiny_networks"), pytest.mark.timeout(300)]

SETTINGS = (
    "update.updates_per_step=0.1",
    "evaluation.every=0",
    "checkpoint.every=60",
    "replay.capacity=2000",
)


@pytest.fixture
def library(tmp_path: Path) -> SpecLibrary:
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "short.yaml").write_text(SPECS)
    return load_specs([folder])


def settings(obs: str, steps: int = 120, *more: str) -> RunConfig:
    return resolve_config(
        "smoke", None, (*SETTINGS, *more), tasks="short-*", obs=obs, steps=steps, device="cpu"
    )


def run(
    config: RunConfig,
    folder: RunFolder,
    library: SpecLibrary,
    *,
    resume: bool = False,
    listener: Unwatched | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Trained:
    torch.set_num_threads(1)
    return interact(
        RunContext(config, folder, library, listener or Unwatched(), should_stop), resume=resume
    )


def new_folder(tmp_path: Path, config: RunConfig, name: str) -> RunFolder:
    return RunFolder.create(name, config.to_yaml(), root=tmp_path)


def test_an_agent_of_both_trains_resumes_and_acts(tmp_path: Path, library: SpecLibrary) -> None:
    config = settings("both", 200, "model.frame_stack=2")
    folder, listener = new_folder(tmp_path, config, "a"), Listener()
    calls = iter(range(10_000))
    stopped = run(config, folder, library, listener=listener, should_stop=lambda: next(calls) > 70)
    assert stopped.interrupted
    assert listener.messages[0] == f"pictures go through the image encoder {TINY_NAME}"
    saved = load_checkpoint(stopped.checkpoint)
    assert saved["image_encoder"] == TINY_NAME
    width = saved["agent"]["model"]["encoder.first.linear.weight"].shape[1]
    assert width == 128 + 512 + 2 * 768
    finished = run(config, folder, library, resume=True)
    payload = load_checkpoint(finished.checkpoint)
    assert payload["counters"]["steps"] == 200
    assert payload["agent"]["learner"]["updates"] == (200 - 20) * 0.1
    assert payload["replay"]["next_sequence"] >= saved["replay"]["next_sequence"] > 1

    summary = evaluate_checkpoint(EvaluationRequest(finished.checkpoint, None, 2), library=library)
    again = evaluate_checkpoint(EvaluationRequest(finished.checkpoint, None, 2), library=library)
    assert summary.to_json() == again.to_json()

    agent = newt_core.load(finished.checkpoint, specs=[tmp_path / "specs"], device="cpu")
    env = newt_core.make(library["short-reach"], obs=agent.obs)
    obs, _ = env.reset(seed=0)
    action = agent.act(obs, task="short-reach")
    assert action.shape == (2,)
    agent.act(env.step(action)[0], task="short-reach")
    with pytest.raises(InvalidActionError, match="obs='both'"):
        agent.act(obs["state"], task="short-reach")
    with pytest.raises(InvalidActionError, match="picture"):
        agent.act({"state": obs["state"], "rgb": obs["rgb"][:64]}, task="short-reach")
    env.close()


def test_an_agent_of_pictures_alone_trains(tmp_path: Path, library: SpecLibrary) -> None:
    config = settings("rgb")
    result = run(config, new_folder(tmp_path, config, "a"), library)
    assert result.steps == 120
    agent = newt_core.load(result.checkpoint, specs=[tmp_path / "specs"], device="cpu", seed=5)
    pictures = np.random.default_rng(0).integers(
        0, 256, (2, FRAME_SIZE, FRAME_SIZE, 3), dtype=np.uint8
    )
    first, other = (agent.act(picture, task="short-reach", first=True) for picture in pictures)
    assert first.shape == (2,)
    assert not np.array_equal(first, other)


def test_a_state_agent_begins_to_see(tmp_path: Path, library: SpecLibrary) -> None:
    blind = settings("state")
    before = run(blind, new_folder(tmp_path, blind, "blind"), library).checkpoint
    seeing = settings("both", 40, f"pretrained={before}", "random_phase.episodes=5")
    after = run(seeing, new_folder(tmp_path, seeing, "seeing"), library).checkpoint
    # Forty steps are within the random phase: nothing was learned yet.
    old, _ = load_agent(before, library=library, device="cpu")
    new, _ = load_agent(after, library=library, device="cpu")
    assert isinstance(old, NewtAgent)
    assert isinstance(new, NewtAgent)
    obs = torch.randn(6, 128)
    task = torch.arange(6) % 2
    features = torch.randn(6, 768).half()
    with torch.no_grad():
        difference = old.model.encode(obs, task) - new.model.encode(obs, task, features)
    assert float(difference.abs().max()) <= 1e-6
    assert torch.equal(old.model.q.weight_0, new.model.q.weight_0)


def test_another_encoder_than_the_checkpoints_is_refused(
    tmp_path: Path, library: SpecLibrary
) -> None:
    config = settings("both", 60)
    folder = new_folder(tmp_path, config, "a")
    checkpoint = run(config, folder, library).checkpoint
    payload = load_checkpoint(checkpoint)
    foreign = tmp_path / "foreign.pt"
    save_checkpoint(foreign, {**payload, "image_encoder": "dinov2@0123456789ab"})
    with pytest.raises(CheckpointError, match="trained with the image encoder dinov2@01"):
        load_agent(foreign, library=library, device="cpu")
    more = settings("both", 60, f"pretrained={foreign}")
    with pytest.raises(CheckpointError, match="Use --image-encoder dinov2"):
        run(more, new_folder(tmp_path, more, "b"), library)
    other = settings("both", 80, "image_encoder=dinov2")
    with pytest.raises(WeightsError, match="dinov2"):
        run(other, folder, library, resume=True)
