"""The machine itself: Python, packages, room, descriptors, cores."""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from newt_core.doctor.check import Check
from newt_core.files import cache_folder
from newt_core.threads import choose_threads, how_threads_wait, usable_cores

PYTHONS = ((3, 11), (3, 12))
"""Versions that Newt runs on."""
GIB = 2**30
LEAST_DISK = 2.0
"""GiB that a run of the preset ``cpu`` may fill, its checkpoints and its replay."""
LEAST_CACHE = 1.0
"""GiB that the weights of CLIP and DINOv2 take."""
LEAST_MEMORY = 2.0
"""GiB in which a small run fits."""
FILES_PER_WORKER = 8
"""Descriptors that a worker process takes here, and some to spare."""
FILES_BESIDE = 200
"""Descriptors that the rest of a run takes: simulators' files, libraries, the replay."""


def check_python(running: tuple[int, int] = sys.version_info[:2]) -> Check:
    """Look at the interpreter's version."""
    shown = ".".join(map(str, running))
    if running in PYTHONS:
        return Check("python", True, f"Python {shown}, {sys.executable}")
    names = " or ".join(".".join(map(str, each)) for each in PYTHONS)
    return Check("python", False, f"Python {shown}; Newt needs {names}",
                 "PYTHON=python3.12 make setup")  # fmt: skip


def check_packages() -> Check:
    """Compare the installed packages with what Newt requires."""
    from packaging.requirements import Requirement

    try:
        lines = [Requirement(line) for line in requires("newt") or []]
    except PackageNotFoundError:
        return Check("packages", False, "Newt is not installed, only its files are here",
                     "pip install .")  # fmt: skip
    wrong, shown = [], []
    for line in lines:
        if line.marker is not None and not line.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(line.name)
        except PackageNotFoundError:
            found = "missing"
        if found == "missing" or not line.specifier.contains(found, prereleases=True):
            line.marker = None
            wrong.append(str(line))
            shown.append(f"{line.name} is {found}")
    if not wrong:
        return Check("packages", True, "all that Newt requires are installed")
    return Check("packages", False, ", ".join(shown), shlex.join(["pip", "install", *wrong]))


def check_disk(name: str, folder: Path, least: float, remedy: str) -> Check:
    """Look whether a folder, which need not exist yet, can be written and has room.

    Args:
        name: of the check.
        folder: the folder.
        least: GiB that must be free.
        remedy: where there is less.
    """
    folder = folder.absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free / GIB
    if not os.access(there, os.W_OK):
        return Check(name, False, f"{there} cannot be written by this user", remedy)
    return Check(name, free >= least, f"{free:,.1f} GiB free in {there}, at least {least:g} needed",
                 None if free >= least else remedy)  # fmt: skip


def check_room(runs: Path) -> list[Check]:
    """Look at the room for runs and for downloads."""
    return [
        check_disk("disk for runs", runs, LEAST_DISK, f"df -h {shlex.quote(str(Path.cwd()))}"),
        check_disk("disk for downloads", cache_folder("weights"), LEAST_CACHE,
                   'export NEWT_CACHE="$PWD/cache"'),
    ]  # fmt: skip


def check_memory(meminfo: Path = Path("/proc/meminfo"), shm: Path = Path("/dev/shm")) -> Check:
    """Look at the memory that processes share.

    The pool's is anonymous: it takes memory, and nothing of ``/dev/shm``, which is told as well.
    """
    name, free = "shared memory", None
    for line in _lines(meminfo):
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024 / GIB
    room = f", /dev/shm has {shutil.disk_usage(shm).free / GIB:,.1f} GiB" if shm.is_dir() else ""
    if free is None:
        return Check(name, True, f"available memory is not known{room}")
    detail = f"{free:,.1f} GiB of memory available, at least {LEAST_MEMORY:g} needed{room}"
    ok = free >= LEAST_MEMORY
    return Check(name, ok, detail, None if ok else "ps aux --sort=-rss | head")


def check_descriptors(limits: tuple[int, int] | None = None, cores: int | None = None) -> Check:
    """Compare the limit of open files with what a pool with a worker per core takes.

    Args:
        limits: soft and hard; this process's by default.
        cores: that workers run on; this machine's by default.
    """
    soft, hard = limits or resource.getrlimit(resource.RLIMIT_NOFILE)
    least = FILES_BESIDE + FILES_PER_WORKER * (cores or usable_cores())
    endless = resource.RLIM_INFINITY
    if soft == endless or soft >= least:
        shown = "no limit" if soft == endless else f"{soft:,}"
        return Check("open files", True, f"{shown}, at least {least:,} needed")
    may = "" if hard in (endless, soft) else f", and may be raised to {hard:,}"
    detail = f"the limit is {soft:,}, at least {least:,} needed{may}"
    raised = hard == endless or hard >= least
    remedy = f"ulimit -n {least}" if raised else f"sudo prlimit --pid $$ --nofile={least}:{least}"
    return Check("open files", False, detail, remedy)


def check_threads() -> Check:
    """Compare the number of PyTorch's threads with the cores there are."""
    chosen, waiting = choose_threads(), how_threads_wait()
    count = f"{chosen.count} thread{'' if chosen.count == 1 else 's'}"
    cores = usable_cores()
    if chosen.chosen_by is not None and chosen.count > cores:
        return Check("threads", False, f"{chosen.chosen_by} asks for {count}, of {cores} usable "
                     "cores: they wait for each other", f"unset {chosen.chosen_by}",
                     needed=False)  # fmt: skip
    return Check("threads", True, f"{count} ({chosen.why}); waiting ones {waiting}", needed=False)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
