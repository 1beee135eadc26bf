"""One JSON file that is whole at every moment, and that another start goes on with."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from newt_core.errors import ConfigError
from newt_core.files import write_json

FILE = "gpu-check.json"


class Results:
    """What was measured so far.

    Args:
        folder: Where the file is, or is to be.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.document: dict[str, Any] = {"measurements": {}, "failed": {}}
        if self.path.exists():
            try:
                found = json.loads(self.path.read_text(encoding="utf-8"))
                self.document = {**found, "measurements": dict(found["measurements"])}
                self.document["failed"] = dict(found["failed"])
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigError(f"{self.path} is no file of gpu_check: move it away.") from error

    @property
    def measurements(self) -> dict[str, dict[str, Any]]:
        """Name → what was measured."""
        found: dict[str, dict[str, Any]] = self.document["measurements"]
        return found

    @property
    def failed(self) -> dict[str, str]:
        """Name → why it could not be measured, in one line."""
        found: dict[str, str] = self.document["failed"]
        return found

    @property
    def running(self) -> dict[str, Any] | None:
        """Which measurement goes on, its ``name``, when it began and how long it may take."""
        found: dict[str, Any] | None = self.document.get("running")
        return found

    def describe(self, **facts: Any) -> None:
        """Note what holds for all of it, such as the machine.

        Raises:
            ConfigError: The file is of another machine or another way of measuring.
        """
        before = self.document.get("about")
        if before is not None and before != json.loads(json.dumps(facts)):
            other = next(name for name, fact in facts.items() if before.get(name) != fact)
            raise ConfigError(
                f"{self.path} has results with another {other} ({before.get(other)}, now "
                f"{facts[other]}): name another folder with --out."
            )
        self.document["about"] = facts
        self.save()

    def begin(self, name: str, limit_s: float) -> None:
        """Note that a measurement begins."""
        self.document["running"] = {"name": name, "since": time.time(), "limit_s": limit_s}
        self.save()

    def end(self, name: str, found: dict[str, Any] | None, failed: str | None = None) -> None:
        """Note how it ended."""
        self.document["running"] = None
        if found is not None:
            self.measurements[name] = found
        if failed is not None:
            self.failed[name] = failed
        self.save()

    def save(self) -> None:
        """Write the file."""
        write_json(self.path, self.document)
