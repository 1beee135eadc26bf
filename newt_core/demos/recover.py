"""The whole episodes of a damaged file.

The HDF5 library can crash or ask for all the memory there is when a file is damaged, so it reads
such a file in a process of its own, with limits on time and memory. An episode counts as whole
if its own checksum matches, whatever became of the rest.

    python -m newt_core.demos.recover DAMAGED [OUT]

is that process: it prints a report as JSON and, given OUT, writes the whole episodes there.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from newt_core.demos.checksum import BLOCK_BYTES, stated_length
from newt_core.demos.schema import DIGEST, FileHeader, group_digest
from newt_core.errors import in_short
from newt_core.interpreter import same_packages

CPU_S = 20
"""Seconds of computing that reading a damaged file may take, plus one per 10 MB: HDF5 can go
round in circles."""
_BYTES_PER_SECOND = 10_000_000
_WAIT_S = 600
"""Seconds on the clock that it may take beside that, on a machine that is busy."""
_SPARE_MEMORY = 4 * 2**30
"""Bytes of address space that the reading process may use beside four times the file."""


@dataclass(frozen=True)
class Rest:
    """What is left of a damaged file."""

    task: str | None = None
    """The task that the file says it is of."""
    whole: tuple[str, ...] = ()
    """The names of the episodes whose checksum matches."""
    damaged: Mapping[str, str] = field(default_factory=dict)
    """The other episodes that the file should have → what is wrong with them."""
    reason: str = ""
    """Why nothing at all can be read."""

    @classmethod
    def from_json(cls, text: str | bytes) -> Rest:
        """Undo what :func:`find_whole` prints.

        Raises:
            ValueError: the text is not a report.
        """
        report = json.loads(text)
        return cls(report["task"], tuple(report["whole"]), report["damaged"], report["reason"])


def recover(path: Path, out: Path | None = None) -> Rest:
    """Find the whole episodes of a damaged file.

    Args:
        path: the file.
        out: where to write them, as a new demonstration file; nothing if there are none.

    Raises:
        OSError: the process cannot be started.
    """
    # Found where this program was, wherever that is started from.
    command = [sys.executable, "-P", "-m", "newt_core.demos.recover", str(path)]
    timeout = _WAIT_S + _cpu_limit(path)
    try:
        done = subprocess.run(
            [*command, *([str(out)] if out else [])],
            capture_output=True,
            timeout=timeout,
            env=same_packages(),
            check=False,
        )
        return Rest.from_json(done.stdout)
    except subprocess.TimeoutExpired:
        return Rest(reason=f"reading it takes longer than {timeout} s")
    except ValueError:  # It crashed, or went on for too long, before it could say anything.
        return Rest(reason="the HDF5 library cannot read it")


def _cpu_limit(path: Path) -> int:
    return CPU_S + path.stat().st_size // _BYTES_PER_SECOND


def find_whole(path: Path, out: Path | None) -> None:
    """Do the work of :func:`recover` in this process, which may crash; print the report."""
    limit = _SPARE_MEMORY + 4 * path.stat().st_size
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    seconds = round(time.process_time()) + _cpu_limit(path)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        rest = _read(path, out)
    except Exception as error:  # noqa: BLE001 (a damaged file may raise anything)
        rest = Rest(reason=in_short(error))
    sys.stdout.write(json.dumps(asdict(rest)))


def _read(path: Path, out: Path | None) -> Rest:
    import h5py

    data = path.read_bytes()
    # HDF5 refuses a file that is shorter than it should be: what is missing reads as zeros.
    length = stated_length(data[:BLOCK_BYTES]) or len(data)
    whole: list[str] = []
    damaged: dict[str, str] = {}
    with h5py.File(io.BytesIO(data.ljust(length, b"\0")), "r") as file:
        header = FileHeader.from_attributes(file.attrs)
        names = [f"episode_{number}" for number in range(header.total_episodes)]
        for name in names:
            problem = _episode_problem(file, name, header)
            if problem:
                damaged[name] = problem
            else:
                whole.append(name)
        if out is not None and whole:
            _write(file, whole, header, out)
    return Rest(header.task, tuple(whole), damaged)


def _episode_problem(file: Any, name: str, header: FileHeader) -> str:
    try:
        group = file[name]
        if group_digest(group, header) != group.attrs[DIGEST]:
            return "its checksum does not match"
    except Exception as error:  # noqa: BLE001 (a damaged file may raise anything)
        return f"its data are damaged or missing ({in_short(error)})"
    return ""


def _write(file: Any, names: list[str], header: FileHeader, out: Path) -> None:
    """Write the named episodes as a new file, numbered anew."""
    from dataclasses import replace

    from newt_core.demos.read import read_episode
    from newt_core.demos.write import file_content, write_file

    episodes = [read_episode(file[name]) for name in names]
    header = replace(
        header,
        total_episodes=len(episodes),
        total_steps=sum(len(episode.rewards) for episode in episodes),
    )
    write_file(out, file_content(header, episodes))


if __name__ == "__main__":
    find_whole(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
