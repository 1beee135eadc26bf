"""How many threads compute, and what those that wait do.

PyTorch takes a thread for each core, and lets threads that wait for each other spin. Where other
processes want the cores too, a spinning thread keeps one from the very thread it waits for, and
everything gets many times slower. So a process asks for as many threads as cores are free, and
lets waiting threads sleep. A user's own ``OMP_NUM_THREADS``, ``OMP_WAIT_POLICY`` and the like win.

OpenMP reads its variables when PyTorch loads it: :func:`prepare_process` is called before that.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from newt_core.allocator import keep_freed_memory

COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables with which users choose the number of PyTorch's threads."""
SLEEP: Mapping[str, str] = MappingProxyType(
    {
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "10000",
        "KMP_BLOCKTIME": "0",
    }
)
"""What lets waiting threads sleep. GNU's OpenMP, which PyTorch's wheels bring, spins for a tenth of
a millisecond first: work often goes on by then, and waking a thread takes longer. The last variable
is for Intel's and LLVM's, which conda's PyTorch may use."""
SHORTEST_LOOK = 0.2
"""Seconds over which other processes' use of the cores is measured, at least."""

_BUSY = (0, 2, 5, 6, 7)
"""Columns of a line of /proc/stat: user, system, interrupts (2), and what the hypervisor took."""
_NICE = 1
"""The column of processes that give way to those of ordinary priority."""


@dataclass(frozen=True)
class Load:
    """The processor time that had been used by a moment."""

    at: float
    """Seconds, of a clock that only goes forward."""
    all: float | None
    """Seconds of processor time on the cores that this process may use; None if not known."""
    own: float
    """Seconds of it that this process used."""


@dataclass(frozen=True)
class Threads:
    """How many threads a process uses, and why."""

    count: int
    cores: int
    """That this process may run on."""
    quota: float | None
    """Cores' worth of time that its control group is given; None without a limit."""
    busy: float | None
    """Cores that other processes keep busy; None if that was not measured."""
    chosen_by: str | None
    """The environment variable with which the user chose the count."""

    @property
    def why(self) -> str:
        """One line for people."""
        if self.chosen_by is not None:
            return f"{self.chosen_by} says so"
        parts = [f"{_cores(self.cores)} to run on"]
        if self.quota is not None:
            parts.append(f"a limit of {_cores(self.quota)}")
        if self.busy is not None:
            parts.append(f"other processes use {_cores(self.busy)}")
        return ", ".join(parts)


def usable_cores() -> int:
    """Return how many processor cores this process may run on at a time: affinity and quota."""
    quota = cpu_quota()
    cores = len(_affinity())
    return cores if quota is None else max(1, min(cores, round(quota)))


def choose_threads(
    before: Load | None = None, environment: Mapping[str, str] | None = None
) -> Threads:
    """Return how many threads this process should use now.

    Args:
        before: where the measurement of other processes began, see :func:`look`; without it,
            this takes :data:`SHORTEST_LOOK`.
        environment: the variables; those of the process by default.
    """
    variables = os.environ if environment is None else environment
    cores, quota = len(_affinity()), cpu_quota()
    for name in COUNTS:
        count = _number(variables.get(name, ""))
        if count:
            return Threads(count, cores, quota, None, name)
    before = before or look()
    time.sleep(max(0.0, before.at + SHORTEST_LOOK - time.monotonic()))
    busy = busy_elsewhere(before, look(), cores)
    free = cores - (busy or 0.0)
    if quota is not None:
        free = min(free, quota)
    return Threads(min(cores, max(1, round(free))), cores, quota, busy, None)


def divided(count: int) -> tuple[int, int]:
    """Return how many of a process's threads each of two has that compute at once, one at least."""
    other = max(1, count // 2)
    return max(1, count - other), other


def prepare_process(notice: Callable[[str], None]) -> None:
    """Make PyTorch use the cores that are free, and its waiting threads sleep, from now on.

    Memory that is freed is kept, too: :func:`newt_core.allocator.keep_freed_memory`.

    To be called once, by a program that is Newt's alone, before PyTorch is imported; nothing is
    measured unless it is. A process that has imported it already keeps its threads.

    Args:
        notice: told where there are fewer threads than cores.
    """
    import sys

    import wrapt

    keep_freed_memory()
    if "torch" in sys.modules:
        return
    let_waiting_threads_sleep(os.environ)
    before = look()

    def settle(torch: Any) -> None:
        threads = choose_threads(before)
        if threads.chosen_by is not None:
            return
        torch.set_num_threads(threads.count)
        if threads.count < threads.cores:
            one = threads.count == 1
            notice(
                f"PyTorch uses {threads.count} thread{'' if one else 's'} ({threads.why}); "
                f"OMP_NUM_THREADS={threads.cores} in front of the command makes it use more."
            )

    wrapt.register_post_import_hook(settle, "torch")


def let_waiting_threads_sleep(environment: MutableMapping[str, str]) -> None:
    """Put :data:`SLEEP` into a process's variables, unless the user chose how threads wait."""
    if not any(name in environment for name in SLEEP):
        environment.update(SLEEP)


def how_threads_wait(environment: Mapping[str, str] | None = None) -> str:
    """Return in words what waiting threads do in a process with these variables."""
    variables = os.environ if environment is None else environment
    if all(variables.get(name) == value for name, value in SLEEP.items()):
        return "sleep"
    chosen = [f"{name}={variables[name]}" for name in SLEEP if name in variables]
    return f"as {', '.join(chosen)} says" if chosen else "spin"


def look(proc: Path = Path("/proc")) -> Load:
    """Return the processor time used so far, by everyone and by this process."""
    return Load(time.monotonic(), _used(proc / "stat", _affinity()), time.process_time())


def busy_elsewhere(before: Load, after: Load, cores: int) -> float | None:
    """Return how many of the cores other processes kept busy between two moments.

    Args:
        before: the first moment.
        after: the second.
        cores: that this process may run on; no more than these can be busy.

    Returns:
        A number of cores, such as 1.5; None where the system does not say.
    """
    if before.all is None or after.all is None or after.at <= before.at:
        return None
    others = (after.all - before.all) - (after.own - before.own)
    return min(float(cores), max(0.0, others / (after.at - before.at)))


def cpu_quota(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return the cores' worth of time that this process's control group is given, or None.

    A limit on any group above it counts as well. Both versions of control groups are read.
    """
    limits = [limit for limit in _limits(proc / "self/cgroup", groups) if limit is not None]
    return min(limits, default=None)


def _limits(membership: Path, groups: Path) -> Iterator[float | None]:
    for line in _read(membership).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:  # version 2
            for folder in _upwards(groups, path):
                yield _share(_read(folder / "cpu.max").split())
        elif "cpu" in controllers.split(","):
            for mount in (groups / controllers, groups / "cpu"):
                for folder in _upwards(mount, path):
                    names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
                    yield _share([_read(folder / name).strip() for name in names])


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Yield a group's folder and those above it; in a container, only the last may exist."""
    folder = mount / path.lstrip("/")
    yield folder
    while folder != mount and mount in folder.parents:
        folder = folder.parent
        yield folder


def _share(quota_and_period: list[str]) -> float | None:
    """Return a quota of microseconds as a number of cores; None for no limit."""
    if len(quota_and_period) != 2:
        return None
    quota, period = map(_number, quota_and_period)
    return quota / period if quota and period else None


def _number(text: str) -> int:
    """Return a positive whole number, or 0 for anything else, such as ``max``, -1 or "4,2"."""
    first = text.split(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _affinity() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _used(stat: Path, cores: set[int]) -> float | None:
    """Return the seconds that some cores have been busy with what would not give way to us."""
    wanted = {f"cpu{core}" for core in cores}
    columns = _BUSY if os.nice(0) <= 0 else (*_BUSY, _NICE)
    ticks = 0
    found = False
    for line in _read(stat).splitlines():
        name, *values = line.split()
        if name in wanted:
            found = True
            ticks += sum(int(values[column]) for column in columns if column < len(values))
    return ticks / os.sysconf("SC_CLK_TCK") if found else None


def _cores(number: float) -> str:
    text = f"{number:.1f}".removesuffix(".0")
    return f"{text} core{'' if text == '1' else 's'}"
