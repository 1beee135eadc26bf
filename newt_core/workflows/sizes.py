"""Whether what a run's settings ask for fits its tasks and this machine; asked before it begins."""

from __future__ import annotations

import os
from collections.abc import Sequence

from newt_core.errors import ConfigError
from newt_core.replay.storage import columns
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig

GIB = 2**30


def check_sizes(config: RunConfig, specs: Sequence[TaskSpec]) -> None:
    """Refuse a replay that cannot hold an episode, or that memory cannot hold.

    Raises:
        ConfigError: Names the setting, what it asks for and what there is.
    """
    longest = max(specs, key=lambda spec: spec.episode_length)
    shortest = min(specs, key=lambda spec: spec.episode_length)
    capacity = config.replay.capacity
    if capacity <= longest.episode_length:
        raise ConfigError(
            f"replay.capacity is {capacity:,}, but an episode of {longest.id} takes "
            f"{longest.episode_length + 1:,} rows: the replay has to hold one at least."
        )
    if config.update.horizon > shortest.episode_length:
        raise ConfigError(
            f"update.horizon is {config.update.horizon:,}, but an episode of {shortest.id} has "
            f"{shortest.episode_length:,} steps: nothing of it could be learned from."
        )
    if not config.replay.on_disk and config.replay.memory == "ram":
        needed = capacity * row_bytes(features=config.model.feature_stack > 0)
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if needed > there:
            raise ConfigError(
                f"replay.capacity is {capacity:,}, which takes {needed / GIB:,.0f} GiB in memory, "
                f"and this machine has {there / GIB:,.0f}: lower it, or keep the replay on the "
                "disk (replay.storage=disk, replay.save=true)."
            )


def row_bytes(*, features: bool) -> int:
    """Return what a step takes in a replay."""
    return sum(column.row_bytes for column in columns(features=features).values())
