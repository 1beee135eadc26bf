"""The settings of a run that goes on: its own, with what may be changed on the way changed.

What changes takes effect, or is refused. A field's type says whether it may change and which part
of a run heeds it (:class:`newt_core.settings.base.TakesEffect`); one that says nothing may
not. A run that has done all its steps or updates heeds changes when it is made longer, too. What
is a share of the run follows its length: where constrained planning was over after 12 % of a run,
it comes back if they are 6 % of the longer one, unless planner.constrain_end changes along.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from newt_core.errors import CheckpointError, ConfigError, some_of
from newt_core.settings.base import Part, Settings, TakesEffect
from newt_core.training.checkpoint_folder import latest_intact
from newt_core.training.config import (
    RunConfig,
    changed,
    saved_config,
    setting_fields,
    validated,
    with_absolute_paths,
)
from newt_core.training.config_layers import (
    read_config_file,
    read_flags,
    read_overrides,
    read_saved,
)
from newt_core.training.content import PRETRAINING, Phase
from newt_core.training.run_folder import RunFolder

OptionsOf = Callable[[RunConfig], Settings]
"""Returns ``agent.options``, an agent's own settings, as the record that its kind declares."""
_OPTIONS = "agent.options"

_WHERE: Mapping[Part, str] = {
    "pretraining": "while a run pretrains",
    "beginning": "before a run's first checkpoint of interaction",
    "interaction": "while a run interacts",
}


def resumed_config(
    folder: RunFolder,
    overrides: Sequence[str] = (),
    *,
    options_of: OptionsOf | None = None,
    pretraining: bool = False,
    **flags: Any,
) -> RunConfig:
    """Return the settings with which a run goes on.

    Args:
        folder: the run.
        overrides: ``key=value`` texts, as for :func:`newt_core.training.config.resolve_config`.
        options_of: what tells an agent's own options apart; without it, none of them may change.
        pretraining: whether the run is one of ``newt pretrain``, which never interacts.
        **flags: options by name, likewise.

    Raises:
        ConfigError: a setting is wrong, or is one that cannot change now; the message says
            which can.
    """
    before = with_absolute_paths(run_settings(folder))
    changes = read_overrides(overrides, setting_fields()) | read_flags(flags, setting_fields())
    after = with_absolute_paths(changed(before, changes))
    parts: frozenset[Part] = frozenset({"pretraining"})
    if not pretraining:
        parts = parts_ahead(folder, before)
    known = _Known(before, options_of)
    refused = [
        f"'{name}' cannot change on the way ({old} there, {new} here){_only(known.heeded_in(name))}"
        for name, old, new in known.changes(after)
        if not parts & known.heeded_in(name)
    ]
    if refused:
        raise ConfigError(
            f"the run {folder.path} has begun: {', and '.join(refused)}. Leave it out to go on, "
            "or start another run with --run NAME and no --resume.\n"
            f"What can change: {', '.join(known.in_short(parts))}."
        )
    return after


def run_settings(folder: RunFolder) -> RunConfig:
    """Return a run's settings: those of ``config.yaml``, or without that of its checkpoint.

    Raises:
        ConfigError: The file cannot be read, or lacks settings that the run began with.
        CheckpointError: There is no such file, and no checkpoint that can be read.
    """
    path, fields = folder.config_file, setting_fields()
    if not path.is_file():
        return saved_config(latest_intact(folder.checkpoints).payload["config"])
    given = read_config_file(path, fields)
    missing = [name for name in fields if not any(f"{g}.".startswith(f"{name}.") for g in given)]
    if missing:
        known = _began_with(folder)
        # A setting that is newer than the run has its default.
        lost = missing if known is None else [name for name in missing if name in known]
        if lost:
            remedy = (
                "There is no checkpoint yet: start again under another name."
                if known is None
                else "Put them back, or delete the file: it is then written anew from the newest "
                "checkpoint."
            )
            raise ConfigError(f"{path} is incomplete: it lacks {some_of(lost, 3)}. {remedy}")
    return validated(given)


def _began_with(folder: RunFolder) -> frozenset[str] | None:
    """Return the names of the settings in a run's newest checkpoint; None if there is none."""
    for place in (folder, folder.pretraining):
        try:
            content = latest_intact(place.checkpoints).payload
        except CheckpointError:
            continue
        return frozenset(read_saved(content.get("config", {}), setting_fields()))
    return None


def require_same_run(
    folder: RunFolder, saved: RunConfig, phase: Phase, options_of: OptionsOf | None = None
) -> None:
    """Compare a run's ``config.yaml`` with the settings in its newest checkpoint.

    What may have changed since then is told in a warning.

    Args:
        folder: The run.
        saved: The settings in the checkpoint.
        phase: What the checkpoint is of.
        options_of: See :func:`resumed_config`.

    Raises:
        ConfigError: They differ in what cannot change.
    """
    now: Part = "pretraining" if phase == PRETRAINING else "interaction"
    written, known = run_settings(folder), _Known(saved, options_of)
    # A path may have been written otherwise; what it leads to is looked at where it is read.
    differing = [
        (f"{name} is {new} there, {old} in the checkpoint", now in known.heeded_in(name))
        for name, old, new in known.changes(written)
        if not isinstance(old, Path) and not isinstance(new, Path)
    ]
    wrong = [text for text, may_change in differing if not may_change]
    if wrong:
        raise ConfigError(
            f"{folder.config_file} is not as the run began: {', '.join(wrong[:3])}. Put it right, "
            "or delete the file: it is then written anew from the newest checkpoint."
        )
    if differing:
        changes = ", ".join(text for text, _ in differing)
        warnings.warn(f"{folder.config_file} was changed: {changes}", stacklevel=3)


def parts_ahead(folder: RunFolder, config: RunConfig) -> frozenset[Part]:
    """Return the parts that a run of ``newt train`` still has before it."""
    if any(folder.checkpoints.glob("*.pt")):
        return frozenset({"interaction"})
    begun: frozenset[Part] = frozenset({"beginning", "interaction"})
    return begun | {"pretraining"} if config.pretrains else begun


def heeded_in(field: FieldInfo) -> frozenset[Part]:
    """Return the parts of a run in which a change of a setting takes effect; most often none."""
    marks = [mark for mark in field.metadata if isinstance(mark, TakesEffect)]
    return frozenset().union(*(mark.parts for mark in marks))


class _Known:
    """A run's settings as it began, by their dotted names, and which of them may change."""

    def __init__(self, config: RunConfig, options_of: OptionsOf | None) -> None:
        self._config, self._options_of = config, options_of
        self._fields = setting_fields()
        if options_of is not None:
            del self._fields[_OPTIONS]
            options = type(options_of(config)).model_fields
            self._fields |= {f"{_OPTIONS}.{name}": field for name, field in options.items()}

    def heeded_in(self, name: str) -> frozenset[Part]:
        """See :func:`heeded_in`."""
        return heeded_in(self._fields[name])

    def changes(self, after: RunConfig) -> Iterator[tuple[str, Any, Any]]:
        """Yield the dotted name, the old and the new value of every setting that differs."""
        before, now = self._values(self._config), self._values(after)
        for name, old in before.items():
            if old != now.get(name, old):
                yield name, old, now[name]

    def _values(self, config: RunConfig) -> dict[str, Any]:
        own = {name for name in self._fields if name.startswith(f"{_OPTIONS}.")}
        values = {name: attrgetter(name)(config) for name in self._fields if name not in own}
        # Of another kind of agent, options are others; that it is another is found anyway.
        if self._options_of is not None and config.agent.kind == self._config.agent.kind:
            options = self._options_of(config)
            values |= {name: getattr(options, name.rpartition(".")[2]) for name in own}
        return values

    def in_short(self, parts: frozenset[Part]) -> list[str]:
        """Name what can change, a group's settings after its name: ``checkpoint.{every,keep}``."""
        groups: dict[str, list[str]] = {}
        for name in self._fields:
            if parts & self.heeded_in(name):
                group, _, last = name.rpartition(".")
                groups.setdefault(group, []).append(last)
        singles = groups.pop("", [])
        return singles + [
            f"{group}.{members[0]}" if len(members) == 1 else f"{group}.{{{','.join(members)}}}"
            for group, members in groups.items()
        ]


def _only(parts: frozenset[Part]) -> str:
    return f", as it has an effect only {' and '.join(_WHERE[p] for p in parts)}" if parts else ""
