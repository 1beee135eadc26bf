"""A run from start to end on a real simulator with short episodes: stopped, killed, resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import newt_core
from newt_core.agents.base import Acting
from newt_core.encoders import HashedEncoder
from newt_core.envs.pool import EnvPool, EpisodeNumbers
from newt_core.errors import CheckpointError, InvalidActionError, UnknownTaskError
from newt_core.model.sizes import SIZES
from newt_core.replay import ReplayBuffer
from newt_core.seeds import Stream, stream_seed
from newt_core.specs import SpecLibrary, load_specs
from newt_core.training.checkpoint import load_checkpoint
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.metrics import read_metrics
from newt_core.training.progress import Progress, Unwatched
from newt_core.training.run_folder import RunFolder
from newt_core.types import Episode, FloatArray
from newt_core.workflows.context import RunContext
from newt_core.workflows.evaluate import EvaluationRequest, evaluate_checkpoint, evaluate_random
from newt_core.workflows.train import Trained, interact
from tests.fixtures.listener import Listener
from tests.fixtures.models import TINY
from tests.fixtures.short_tasks import LENGTH, SPECS

pytestmark = [pytest.mark.usefixtures("tiny_networks"), pytest.mark.timeout(300)]

SETTINGS = (
    "update.updates_per_step=0.2",
    "evaluation.every=200",
    "checkpoint.every=60",
    "replay.capacity=2000",
)


@pytest.fixture
def library(tmp_path: Path) -> SpecLibrary:
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "short.yaml").write_text(SPECS)
    return load_specs([folder])


def settings(steps: int) -> RunConfig:
    return resolve_config(
        "smoke", None, SETTINGS, tasks="short-*", steps=steps, device="cpu", seed=3
    )


def run(
    folder: RunFolder,
    library: SpecLibrary,
    steps: int,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Trained:
    torch.set_num_threads(1)
    return interact(
        RunContext(settings(steps), folder, library, progress or Unwatched(), should_stop),
        resume=resume,
    )


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, SpecLibrary]:
    """A run of 80 steps, which no test may go on with, and its tasks."""
    root = tmp_path_factory.mktemp("short")
    (root / "specs").mkdir()
    (root / "specs/short.yaml").write_text(SPECS)
    library = load_specs([root / "specs"])
    folder = RunFolder.create("a", settings(80).to_yaml(), root=root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, "2M", TINY)
        run(folder, library, 80)
    return folder, library


def test_a_run_leaves_what_it_promises(tmp_path: Path, library: SpecLibrary) -> None:
    folder = RunFolder.create("a", settings(240).to_yaml(), root=tmp_path)
    result = run(folder, library, 240)
    assert (result.steps, result.interrupted) == (240, False)
    payload = load_checkpoint(result.checkpoint)
    assert payload["counters"]["steps"] == 240
    assert payload["text_encoder"] == "hashed-v1"
    assert [task["id"] for task in payload["tasks"]] == ["short-balance", "short-reach"]
    # Updates follow the agent steps since the two environments' first episodes ended.
    assert payload["agent"]["learner"]["updates"] == (240 - 2 * LENGTH) * 0.2
    assert sorted(folder.read_evaluations()) == [0, 200, 240]
    rows = read_metrics(folder.metrics_file)
    assert {"loss/consistency", "loss/reward", "loss/value", "loss/policy"} <= rows[-1].keys()
    assert any(folder.tensorboard.iterdir())

    summary = evaluate_checkpoint(EvaluationRequest(result.checkpoint, None, 2), library=library)
    again = evaluate_checkpoint(EvaluationRequest(result.checkpoint, None, 2), library=library)
    assert summary.to_json() == again.to_json()
    assert summary.mode == "planning"
    unseen = evaluate_checkpoint(
        EvaluationRequest(
            result.checkpoint, "short-reach,cartpole-swingup", 1, how=Acting(policy_only=True)
        ),
        library=library,
    )
    assert list(unseen.tasks) == ["short-reach", "cartpole-swingup"]
    assert 0 <= evaluate_random("short-*", 1, library=library).total.score <= 1


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path: Path, library: SpecLibrary) -> None:
    folder = RunFolder.create("a", settings(300).to_yaml(), root=tmp_path)
    listener = Listener()
    stopped = run(
        folder, library, 300, progress=listener, should_stop=lambda: len(listener.messages) > 60
    )
    assert stopped.interrupted
    assert 0 < stopped.steps < 300
    saved = load_checkpoint(stopped.checkpoint)
    finished = run(folder, library, 300, resume=True)
    payload = load_checkpoint(finished.checkpoint)
    assert payload["counters"]["steps"] == 300
    assert payload["agent"]["learner"]["updates"] == (300 - 2 * LENGTH) * 0.2
    # Nothing that was in the replay buffer at the stop is missing now.
    whole = stopped.steps // (2 * LENGTH) * 2
    assert saved["replay"]["next_sequence"] >= whole
    assert payload["replay"]["next_sequence"] >= saved["replay"]["next_sequence"]
    steps = [row["step"] for row in read_metrics(folder.metrics_file)]
    assert steps == sorted(steps)  # type: ignore[type-var]


def test_an_evaluation_that_was_stopped_is_made_up_for(
    tmp_path: Path, library: SpecLibrary
) -> None:
    folder = RunFolder.create("a", settings(240).to_yaml(), root=tmp_path)
    for stop_at, evaluated in ((0, []), (200, [0]), (240, [0, 200])):
        listener = Listener()
        announced = f"evaluating at step {stop_at}"
        stopped = run(
            folder,
            library,
            240,
            resume=stop_at > 0,
            progress=listener,
            should_stop=lambda: announced in listener.messages,  # noqa: B023 (called in the loop)
        )
        assert (stopped.interrupted, stopped.steps) == (True, stop_at)
        assert sorted(folder.read_evaluations()) == evaluated
    finished = run(folder, library, 240, resume=True)
    assert not finished.interrupted
    assert sorted(folder.read_evaluations()) == [0, 200, 240]


def test_a_new_run_begins_with_an_empty_replay(tmp_path: Path, library: SpecLibrary) -> None:
    folder = RunFolder.create("a", settings(40).to_yaml(), root=tmp_path)
    # What a run that was killed before its first checkpoint leaves behind.
    buffer = ReplayBuffer(2000, storage="disk", folder=folder.replay)
    for _ in range(3):
        buffer.add(
            Episode(
                0,
                np.zeros((LENGTH + 1, 128), np.float32),
                np.zeros((LENGTH, 16), np.float32),
                np.zeros(LENGTH, np.float32),
            )
        )
    del buffer
    run(folder, library, 40, resume=True)
    assert read_metrics(folder.metrics_file)[-1]["replay/steps"] == 40


def test_training_selection_and_report_run_different_episodes(
    tmp_path: Path, library: SpecLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int | None] = []
    reset = EnvPool.reset

    def watched(self: EnvPool, seed: int | None = None, *rest: EpisodeNumbers | None) -> FloatArray:
        seeds.append(seed)
        return reset(self, seed, *rest)

    monkeypatch.setattr(EnvPool, "reset", watched)
    folder = RunFolder.create("a", settings(40).to_yaml(), root=tmp_path)
    checkpoint = run(folder, library, 40).checkpoint
    evaluate_checkpoint(
        EvaluationRequest(checkpoint, None, 1, seeds=(3,), how=Acting(policy_only=True)),
        library=library,
    )
    training, selection, again, report = seeds
    # The run's two evaluations look at the same episodes, so that they can be compared.
    assert selection == again
    assert len({training, selection, report}) == 3
    assert training == stream_seed(3, Stream.TRAINING_EPISODES)


def test_a_task_scores_alone_what_it_scores_among_others(
    short_run: tuple[RunFolder, SpecLibrary],
) -> None:
    folder, library = short_run
    checkpoint = folder.checkpoints / "last.pt"
    together = evaluate_checkpoint(EvaluationRequest(checkpoint, None, 3), library=library)
    # And one after the other what it scores side by side.
    alone = evaluate_checkpoint(
        EvaluationRequest(checkpoint, "short-reach", 3, envs=1), library=library
    )
    one, other = alone.tasks["short-reach"], together.tasks["short-reach"]
    assert one.mean_return == pytest.approx(other.mean_return, rel=1e-5)


def test_a_resumed_run_reads_every_task_its_own_text(tmp_path: Path, library: SpecLibrary) -> None:
    folder = RunFolder.create("a", settings(80).to_yaml(), root=tmp_path)
    first = load_checkpoint(run(folder, library, 40).checkpoint)
    second = load_checkpoint(run(folder, library, 80, resume=True).checkpoint)
    expected = HashedEncoder().encode_tasks([library[task["id"]] for task in first["tasks"]])
    for payload in (first, second):
        np.testing.assert_allclose(payload["text"].numpy(), expected, atol=1e-6)


def test_resuming_with_other_tasks_is_refused(short_run: tuple[RunFolder, SpecLibrary]) -> None:
    folder, library = short_run
    other = resolve_config("smoke", None, SETTINGS, tasks="short-balance", device="cpu")
    with pytest.raises(CheckpointError, match="trained on other tasks"):
        interact(RunContext(other, folder, library), resume=True)


def test_a_loaded_agent_acts_in_its_tasks(short_run: tuple[RunFolder, SpecLibrary]) -> None:
    folder, library = short_run
    checkpoint = folder.checkpoints / "last.pt"
    agent = newt_core.load(checkpoint, specs=[folder.path.parent / "specs"], device="cpu")
    assert agent.tasks == ["short-balance", "short-reach"]
    env = newt_core.make(library["short-reach"])
    obs, _ = env.reset(seed=0)
    action = agent.act(obs, task="short-reach")
    assert action.shape == (2,)
    assert bool((np.abs(action) <= 1).all())
    with pytest.raises(UnknownTaskError, match="Did you mean 'short-reach'"):
        agent.act(obs, task="short-reech")
    with pytest.raises(InvalidActionError, match=r"it must be \[6\], or \[128\] with padding"):
        agent.act(obs[:3], task="short-reach")
    env.close()


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("worker_processes")
def test_a_killed_run_is_resumed(tmp_path: Path, library: SpecLibrary) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    first = [
        *("train", "--tasks", "short-*", "--preset", "smoke", "--steps", "100000"),
        *("--run", "a", "--seed", "3", "--device", "cpu", "--specs", "specs"),
    ]
    for setting in (*SETTINGS, "evaluation.every=0"):
        first += ["--set", setting]
    folder = RunFolder(tmp_path / "runs" / "a")
    last = folder.checkpoints / "last.pt"
    process = subprocess.Popen(
        [sys.executable, "-m", "newt_cli", *first],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 90
    while not last.exists():
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = load_checkpoint(last)["counters"]["steps"]
    assert reached > 0
    for line in folder.metrics_file.read_bytes().splitlines()[:-1]:
        json.loads(line)
    target = reached + 60
    again = ["train", "--run", "a", "--resume", "--specs", "specs", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "newt_cli", *again, "--steps", str(target)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == target
