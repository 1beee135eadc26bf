"""An expert of one task, trained here: the same world model on that task alone, without text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from newt_core import arguments
from newt_core.specs import SpecLibrary, TaskSpec
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.progress import Progress
from newt_core.training.run_folder import RunFolder
from newt_core.workflows.context import RunContext
from newt_core.workflows.train import Trained, interact

PRESET = "cpu"
"""Settings of the training."""
NO_TEXT = "zero"
"""The text encoder: of a single task, the text says nothing new."""


def expert_config(spec: TaskSpec, *, seed: int = 0, device: str = "auto") -> RunConfig:
    """Return the settings that an expert of a task is trained with."""
    return resolve_config(
        PRESET, None, (), tasks=spec.id, seed=seed, device=device, text_encoder=NO_TEXT
    )


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
    arguments.instance("config", config, RunConfig, "expert_config() returns")
    arguments.instance("spec", spec, TaskSpec, "newt_core.load_specs() has")
    runs = arguments.path("runs", runs)
    name = f"expert-{spec.id}"
    begun = (runs / name).exists()
    if begun:
        folder = RunFolder.open(name, root=runs)
    else:
        folder = RunFolder.create(name, config.to_yaml(), root=runs)
    return interact(RunContext(config, folder, library, progress, should_stop), resume=begun)
