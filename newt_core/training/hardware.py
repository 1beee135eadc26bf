"""The machine that something ran on, and when a run was at work on which."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newt_core.errors import RunFolderError
from newt_core.files import write_json
from newt_core.threads import usable_cores


def describe_hardware() -> dict[str, Any]:
    """Describe this machine: processor, cores this process may use, memory, GPU, versions.

    PyTorch is only asked if something else has already imported it.
    """
    hardware: dict[str, Any] = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor_name(),
        "cores": usable_cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "python": platform.python_version(),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        hardware["torch"] = str(torch.__version__)
        hardware["torch_threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            hardware["gpu"] = torch.cuda.get_device_name(0)
    return hardware


def _processor_name() -> str:
    """Return the processor's name; Linux keeps it where ``platform`` does not look."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass  # Not Linux: the generic answer below has to do.
    return platform.processor() or platform.machine()


@dataclass(frozen=True)
class Start:
    """A process that began a run, or went on with it."""

    at: datetime
    hardware: Mapping[str, Any]
    """As :func:`describe_hardware` returns it."""

    @property
    def machine(self) -> str:
        """What the machine was, in one line."""
        cores, memory = self.hardware.get("cores"), self.hardware.get("memory_gb")
        parts = [
            str(self.hardware.get("processor") or "unknown processor"),
            "1 core" if cores == 1 else f"{cores} cores" if cores else None,
            f"{memory:,.0f} GB" if isinstance(memory, int | float) else None,
            self.hardware.get("gpu"),
        ]
        return ", ".join(str(part) for part in parts if part)


def note_start(file: Path) -> None:
    """Add this process to a run's starts.

    Raises:
        RunFolderError: the file cannot be written.
    """
    start = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "hardware": describe_hardware()}
    try:
        write_json(file, [*_read(file), start])
    except OSError as error:
        raise RunFolderError(f"cannot write {file}: {error.strerror}.") from error


def read_starts(file: Path) -> list[Start]:
    """Return a run's starts, in their order; none if they were not kept, or are damaged."""
    starts = []
    for start in _read(file):
        try:
            starts.append(Start(datetime.fromisoformat(start["at"]), dict(start["hardware"])))
        except (TypeError, KeyError, ValueError):
            continue
    return starts


def _read(file: Path) -> list[Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []
