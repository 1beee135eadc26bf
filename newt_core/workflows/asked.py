"""What a user asks for of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from newt_core import arguments
from newt_core.training.config import RunConfig, resolve_config


@dataclass(frozen=True)
class Asked:
    """Where a run's settings come from; later sources win over earlier ones."""

    preset: str | None = None
    config_file: Path | None = None
    overrides: Sequence[str] = ()
    """``key=value``."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Options with names of their own; see :func:`newt_core.training.config.resolve_config`."""

    def __post_init__(self) -> None:
        """Raise a :class:`ConfigError` for what is of another type."""
        if self.preset is not None:
            arguments.word("preset", self.preset, "the name of a preset, such as 'cpu'")
        arguments.put(
            self, config_file=arguments.optional(arguments.path, "config_file", self.config_file)
        )
        arguments.texts("overrides", self.overrides)
        arguments.mapping("flags", self.flags, "a mapping of options to their values")

    def settings(self) -> RunConfig:
        """Return the settings of a new run.

        Raises:
            ConfigError: A setting is unknown or its value not allowed.
        """
        return resolve_config(self.preset, self.config_file, self.overrides, **self.flags)
