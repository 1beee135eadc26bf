"""An expert of one task, trained here: the same world model on that task alone, without text."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from newt_core.agents.newt.actor import Actor, ActorSettings
from newt_core.agents.newt.agent import NewtAgent
from newt_core.agents.newt.setup import choose_device, task_table
from newt_core.envs.task_env import TaskEnv
from newt_core.replay import ReplayBuffer
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.progress import Progress
from newt_core.training.run_folder import RunFolder
from newt_core.types import ACTION_DIM, STATE_DIM, TEXT_DIM, Episode, Observation
from newt_core.workflows.context import RunContext
from newt_core.workflows.train import Trained, interact

PRESET = "cpu"
"""Settings of the training."""
NO_TEXT = "zero"
"""The text encoder: of a single task, the text says nothing new."""
_MEASURED = 5
"""Steps and updates that a forecast times, after one that does not count."""


def expert_config(spec: TaskSpec, *, seed: int = 0, device: str = "auto") -> RunConfig:
    """Return the settings that an expert of a task is trained with."""
    return resolve_config(
        PRESET, None, (), tasks=spec.id, seed=seed, device=device, text_encoder=NO_TEXT
    )


def forecast(config: RunConfig, spec: TaskSpec) -> float:
    """Return the seconds that the training will take here, measured on a few of its steps."""
    device = choose_device(config.device)
    table = task_table([spec], np.zeros((1, TEXT_DIM), np.float32))
    agent = NewtAgent(config.model, config.planner, config.update, table, device=device)
    actor = Actor(agent, 1, seed=0, settings=ActorSettings(explore=True))
    one, none = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    observation = Observation(np.zeros((1, STATE_DIM), np.float32), one, one, none)

    env = TaskEnv(spec)
    try:
        env.reset(seed=0)
        action = np.zeros(spec.action_dim, np.float32)
        step_s = _seconds(lambda: (actor(observation), env.step(action)))
    finally:
        env.close()

    buffer = ReplayBuffer(spec.episode_length + 1, device=device)
    generator = torch.Generator().manual_seed(0)
    rows = max(spec.episode_length, config.update.horizon)
    buffer.add(
        Episode(
            0,
            np.zeros((rows + 1, STATE_DIM), np.float32),
            np.zeros((rows, ACTION_DIM), np.float32),
            np.zeros(rows, np.float32),
        )
    )

    def update() -> None:
        batch = buffer.sample(config.update.batch_size, config.update.horizon, generator)
        float(agent.learner.update(batch)["loss/value"])

    evaluations = 1 + (config.steps // config.evaluation.every if config.evaluation.every else 1)
    decisions = config.steps + evaluations * config.evaluation.episodes * spec.episode_length
    updates = config.steps * config.update.updates_per_step
    return decisions * step_s + updates * _seconds(update)


def train_expert(
    config: RunConfig,
    spec: TaskSpec,
    *,
    library: SpecLibrary,
    runs: Path,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> Trained:
    """Train an expert in the run ``expert-<task>``, or go on with that run.

    Raises:
        NewtError: whatever the user can put right.
    """
    name = f"expert-{spec.id}"
    begun = (runs / name).exists()
    if begun:
        folder = RunFolder.open(name, root=runs)
    else:
        folder = RunFolder.create(name, config.to_yaml(), root=runs)
    return interact(RunContext(config, folder, library, progress, should_stop), resume=begun)


def _seconds(work: Callable[[], object]) -> float:
    """Return the mean time of a call, the first one not counted."""
    work()
    start = time.perf_counter()
    for _ in range(_MEASURED):
        work()
    return (time.perf_counter() - start) / _MEASURED
