"""Files → a replay buffer: padding, and what to do about tasks without demonstrations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from newt_core.demos.folder import demo_path, require_demos
from newt_core.demos.read import open_demos, read_demos
from newt_core.demos.schema import DemoEpisode, group_name
from newt_core.demos.sight import DemoSight
from newt_core.errors import DemoError
from newt_core.replay import ReplayBuffer
from newt_core.specs.schema import TaskSpec
from newt_core.types import ACTION_DIM, STATE_DIM, Episode, HalfArray

Progress = Callable[[int, int], None]
"""Called with the episodes loaded and the episodes there are."""

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
    sight: DemoSight | None = None,
    storage: str = "ram",
    sampling: str = "steps",
    device: torch.device | str | None = None,
    on_progress: Progress = lambda done, total: None,
) -> LoadedDemos:
    """Load the demonstrations of some tasks into a replay buffer of their own.

    Memory: 580 bytes per step, whatever the task (its vectors are padded), 1,536 more for the
    features of a picture, and one episode beside that while it is read. A warning names the
    tasks that have no demonstrations.

    Args:
        folder: holds ``<task>.h5``.
        specs: the tasks, in the order of the run's task list.
        sight: of an agent that sees pictures.
        storage: where the rows lie, ``ram`` or a torch device.
        sampling: see :class:`ReplayBuffer`.
        device: where batches are wanted.
        on_progress: told of every episode.

    Raises:
        DemoError: a file is not usable, an agent that sees finds no pictures in it, or none of
            the tasks has demonstrations.
    """
    require_demos(folder, specs)
    present = [spec for spec in specs if demo_path(folder, spec.id).exists()]
    missing = tuple(spec.id for spec in specs if not demo_path(folder, spec.id).exists())
    rows, counts = 0, {}
    for spec in present:
        with open_demos(demo_path(folder, spec.id)) as file:
            rows += file.header.total_steps + file.header.total_episodes
            counts[spec.id] = file.header.total_episodes
    total = sum(counts.values())
    if not total:
        raise DemoError(f"the files of demonstrations in {folder} are all empty.")
    if missing:
        warnings.warn(f"no demonstrations of {_listed(missing)} in {folder}", stacklevel=2)
    images = sight.stack if sight is not None else 0
    buffer = ReplayBuffer(rows, storage=storage, sampling=sampling, device=device, images=images)
    done = 0
    for index, spec in enumerate(specs):
        if spec.id not in counts:
            continue
        path = demo_path(folder, spec.id)
        for number, episode in enumerate(read_demos(path, spec)):
            try:
                features = sight.features(episode) if sight is not None else None
            except DemoError as error:
                raise DemoError(f"{path}: {group_name(number)}: {error}") from None
            buffer.add(padded(episode, index, features))
            done += 1
            on_progress(done, total)
    return LoadedDemos(buffer, counts, missing)


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
