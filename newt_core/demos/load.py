"""Files → a replay buffer: padding, and what to do about tasks without demonstrations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from newt_core.demos.feature_files import keeping_features
from newt_core.demos.features import DemoFeatures
from newt_core.demos.opened import OpenDemos
from newt_core.demos.read import DemoFile, fitting_episodes
from newt_core.demos.schema import DemoEpisode, group_name
from newt_core.errors import DemoError
from newt_core.replay import ReplayBuffer
from newt_core.specs.schema import TaskSpec
from newt_core.types import ACTION_DIM, STATE_DIM, Episode, HalfArray

_SHOWN = 5
"""Tasks without demonstrations that the warning names one by one."""


@dataclass(frozen=True)
class LoadedDemos:
    """Demonstrations in memory."""

    buffer: ReplayBuffer
    episodes: dict[str, int]
    """Task → its episodes; without an entry where there are none."""
    missing: tuple[str, ...]
    """Tasks without demonstrations."""


def load_demos(
    folder: Path,
    specs: Sequence[TaskSpec],
    *,
    frames_as: DemoFeatures | None = None,
) -> LoadedDemos:
    """Load the demonstrations of some tasks into a replay buffer of their own.

    Memory: 580 bytes per step, whatever the task (its vectors are padded), 1,536 more for the
    features of a picture, and one episode beside that while it is read. A warning names the
    tasks that have no demonstrations.

    Args:
        folder: holds ``<task>.h5``.
        specs: the tasks, in the order of the run's task list.
        frames_as: features, for an agent that sees; None leaves frames alone.

    Raises:
        DemoError: a file is not usable, an agent that sees finds no pictures in it, or none of
            the tasks has demonstrations.
    """
    with OpenDemos(folder, specs) as files:
        return load_opened(files, frames_as=frames_as)


def load_opened(
    files: OpenDemos,
    *,
    frames_as: DemoFeatures | None = None,
    sampling: str = "steps",
    device: torch.device | str | None = None,
) -> LoadedDemos:
    """Load files that are open already; the rest is that of :func:`load_demos`.

    What pictures are encoded to is kept beside the files (:mod:`newt_core.demos.feature_files`).

    Args:
        files: the files.
        frames_as: features, for an agent that sees; None leaves frames alone.
        sampling: see :class:`ReplayBuffer`.
        device: where batches are wanted.

    Raises:
        DemoError: an episode is not usable, an agent that sees finds no pictures in it, or there
            is none at all.
    """
    counts = {task: len(file) for task, file in files.files.items()}
    total = sum(counts.values())
    if not total:
        raise DemoError(f"the files of demonstrations in {files.folder} are all empty.")
    if files.missing:
        warnings.warn(
            f"no demonstrations of {_listed(files.missing)} in {files.folder}", stacklevel=2
        )
    rows = total + sum(file.header.total_steps for file in files.files.values())
    feature_stack = frames_as.stack if frames_as is not None else 0
    buffer = ReplayBuffer(rows, sampling=sampling, device=device, feature_stack=feature_stack)
    for index, spec in enumerate(files.specs):
        if spec.id not in counts:
            continue
        for episode in _padded_episodes(files.files[spec.id], spec, index, frames_as):
            buffer.add(episode)
    return LoadedDemos(buffer, counts, files.missing)


def _padded_episodes(
    file: DemoFile, spec: TaskSpec, task: int, frames_as: DemoFeatures | None
) -> Iterator[Episode]:
    """Yield a file's episodes as learners take them; ``task`` is their index in the run."""
    if frames_as is None:
        for episode in fitting_episodes(file, spec):
            yield padded(episode, task)
        return
    with keeping_features(file.path, frames_as.encoder.name) as kept:
        for number, episode in enumerate(fitting_episodes(file, spec)):
            try:
                features = frames_as.features(episode, file.digest(number), kept)
            except DemoError as error:
                raise DemoError(f"{file.path}: {group_name(number)}: {error}") from None
            yield padded(episode, task, features)


def padded(episode: DemoEpisode, task: int, features: HalfArray | None = None) -> Episode:
    """Return an episode as learners take it, with zeros up to the common sizes."""
    steps = len(episode.rewards)
    obs = np.zeros((steps + 1, STATE_DIM), np.float32)
    action = np.zeros((steps, ACTION_DIM), np.float32)
    obs[:, : episode.observations.shape[1]] = episode.observations
    action[:, : episode.actions.shape[1]] = episode.actions
    return Episode(task, obs, action, np.asarray(episode.rewards, np.float32), features)


def _listed(tasks: Sequence[str]) -> str:
    more = f" and {len(tasks) - _SHOWN} other tasks" if len(tasks) > _SHOWN else ""
    return ", ".join(tasks[:_SHOWN]) + more
