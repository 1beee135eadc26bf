"""The settings of a run that goes on: its own, with what may be changed on the way changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from newt_core.errors import ConfigError
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.run_folder import RunFolder

FIXED = (
    "tasks",
    "seed",
    "envs_per_task",
    "text_encoder",
    "text_weights",
    "instruction",
    "embodiment",
    "image_encoder",
    "pretrained",
    "demos",
    "demo_use",
    "model",
    "replay",
)
"""Settings, or groups of them, that a run's saved state was made with."""


def resumed_config(folder: RunFolder, overrides: Sequence[str] = (), **flags: Any) -> RunConfig:
    """Return the settings with which a run goes on.

    Args:
        folder: the run.
        overrides: ``key=value`` texts, as for :func:`newt_core.training.config.resolve_config`.
        **flags: options by name, likewise.

    Raises:
        ConfigError: a setting is wrong, or is one that cannot change within a run.
    """
    before = resolve_config(config_file=folder.config_file)
    after = resolve_config(None, folder.config_file, overrides, **flags)
    for name in FIXED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            raise ConfigError(
                f"the run {folder.path} was started with other settings, and '{name}' cannot "
                f"change on the way ({_change(old, new)}).\n"
                "Leave it out to go on, or start another run with --run NAME and no --resume."
            )
    return after


def _change(old: Any, new: Any) -> str:
    """Say what differs; of a group, only the members that do."""
    if not isinstance(old, BaseModel):
        return f"{old} there, {new} here"
    pairs = ((field, value, getattr(new, field)) for field, value in old)
    return ", ".join(f"{field}: {was} there, {now} here" for field, was, now in pairs if was != now)
