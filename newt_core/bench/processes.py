"""What Linux says of processes: which are whose, and what memory they take."""

from __future__ import annotations

from pathlib import Path


def taken(pid: int | str = "self", line: str = "VmHWM", file: str = "status") -> int:
    """Return the bytes in a line of what Linux says of a process; ``VmHWM`` is the most so far.

    Raises:
        OSError: There is no such process, or the system is another one.
        ValueError: There is no such line.
    """
    for each in Path(f"/proc/{pid}/{file}").read_text(encoding="ascii").splitlines():
        name, _, rest = each.partition(":")
        if name == line:
            return int(rest.split()[0]) * 1024
    raise ValueError(f"no {line} in /proc/{pid}/{file}")


def children(of: int | str = "self") -> list[str]:
    """Return the processes that a process has started, by number."""
    lists = Path(f"/proc/{of}/task").glob("*/children")
    return [pid for file in lists for pid in file.read_text(encoding="ascii").split()]
