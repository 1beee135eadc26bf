"""Whether what a run's settings ask for fits its tasks and this machine; asked before it begins."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from newt_core.errors import ConfigError
from newt_core.replay.storage import columns
from newt_core.specs import TaskSpec
from newt_core.training.config import RunConfig

GIB = 2**30
MIB = 2**20


def check_sizes(config: RunConfig, specs: Sequence[TaskSpec]) -> None:
    """Refuse a replay or a horizon that does not go with the tasks' episodes.

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
    if config.planner.horizon > longest.episode_length:
        raise ConfigError(
            f"planner.horizon is {config.planner.horizon:,}, but the longest episode, of "
            f"{longest.id}, has {longest.episode_length:,} steps: plan no further than that."
        )


def check_room(config: RunConfig, specs: Sequence[TaskSpec], runs: Path) -> None:
    """Refuse a replay that the disk or the memory has no room for.

    Args:
        config: The settings of a run that interacts.
        specs: Its tasks.
        runs: The folder that its folder is to be made in; it may be missing.

    Raises:
        ConfigError: Names the setting, what it asks for and what there is.
    """
    if not config.replay.on_disk:
        check_memory(config, specs)
        return
    needed, free = replay_bytes(config, specs), _free_disk(runs)
    if needed > free:
        raise ConfigError(
            f"the replay of this run grows to {readable(needed)} (replay.capacity is "
            f"{config.replay.capacity:,}), and {readable(free)} are free on the disk of {runs}: "
            "lower it, or name another place with --runs-dir."
        )


def check_room_of_all(runs: Sequence[tuple[RunConfig, Sequence[TaskSpec]]], folder: Path) -> None:
    """Refuse a list of runs whose replays the disk has no room for together.

    Args:
        runs: Settings and tasks of each.
        folder: That of all runs; it may be missing.

    Raises:
        ConfigError: Says what they ask for and what there is.
    """
    on_disk = [(config, specs) for config, specs in runs if config.replay.on_disk]
    needed = sum(replay_bytes(config, specs) for config, specs in on_disk)
    free = _free_disk(folder)
    if needed > free:
        raise ConfigError(
            f"the replays of these {len(on_disk):,} runs grow to {readable(needed)} together, and "
            f"{readable(free)} are free on the disk of {folder}: keep them in memory with "
            "--no-save-replay, lower replay.capacity, or name another place with --runs-dir."
        )


def _free_disk(runs: Path) -> int:
    place = next(folder for folder in (runs, *runs.absolute().parents) if folder.is_dir())
    return shutil.disk_usage(place).free


def check_memory(config: RunConfig, specs: Sequence[TaskSpec]) -> None:
    """Refuse a replay that memory has no room for; see :func:`check_room`."""
    capacity, place = config.replay.capacity, config.replay.memory
    if place != "ram":
        needed, free = capacity * _row_bytes(config), gpu_memory(place)
        there = f"{readable(free)} are free on the device '{place}'"
    else:
        needed, free = capacity * _row_bytes(config), physical_memory()
        there = f"this machine has {readable(free)}"
        if needed <= free:  # The system gives out memory as it fills.
            needed, free = replay_bytes(config, specs), available_memory()
            there = f"{readable(free)} are free on this machine"
    if needed > free:
        raise ConfigError(
            f"replay.capacity is {capacity:,}, which takes {readable(needed)} of memory, and "
            f"{there}: lower it, or keep the replay on the disk (replay.storage=disk, "
            "replay.save=true)."
        )


def replay_bytes(config: RunConfig, specs: Sequence[TaskSpec]) -> int:
    """Return what a run's replay has grown to at its end."""
    shortest = min(spec.episode_length for spec in specs)
    # An episode has a row more than steps.
    rows = math.ceil(config.steps * (1 + 1 / shortest))
    return min(rows, config.replay.capacity) * _row_bytes(config)


def physical_memory() -> int:
    """Return the bytes of memory that this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def available_memory() -> int:
    """Return the bytes of memory that this process can still get, as far as the system says."""
    found = physical_memory()
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        kibibytes = next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        found = min(found, int(kibibytes) * 1024)
    with suppress(OSError, ValueError):  # "max" is no number: there is no limit.
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        cache = (group / "memory.stat").read_text(encoding="ascii").splitlines()
        given_back = sum(int(line.split()[1]) for line in cache if line.startswith("inactive_file"))
        found = min(found, max(limit - used + given_back, 0))
    return found


def gpu_memory(device: str) -> int:
    """Return the bytes that are free on a GPU."""
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return int(free)


def readable(size: int) -> str:
    """Return a number of bytes as people read it, in GiB where that is a tenth at least."""
    return f"{size / GIB:,.1f} GiB" if size >= 0.1 * GIB else f"{size / MIB:,.1f} MiB"


def _row_bytes(config: RunConfig) -> int:
    return row_bytes(features=config.model.feature_stack > 0)


def row_bytes(*, features: bool) -> int:
    """Return what a step takes in a replay."""
    return sum(column.row_bytes for column in columns(features=features).values())
