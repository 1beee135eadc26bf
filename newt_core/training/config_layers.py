"""Where settings come from: presets, YAML files, ``--set`` and named options.

Each source is read into dotted names (``planner.horizon``) with their values, and remembers
its own name, so that a mistake can be reported where it was made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_origin

import yaml
from pydantic.fields import FieldInfo

from newt_core.errors import ConfigError, did_you_mean
from newt_core.settings.names import hint
from newt_core.yaml_loader import SafeLoader, yaml_problem

_PRESETS = files("newt_core.training").joinpath("presets")

RENAMED = {
    "text_encoder": "text.encoder",
    "text_weights": "text.weights",
    "instruction": "text.instruction",
    "embodiment": "text.embodiment",
    "image_encoder": "images.encoder",
    "image_weights": "images.weights",
    "demo_use": "demos",
    "demos": "demos.folder",
}
"""What settings were called before they were grouped; files and habits that say so still do."""

_FLAG_SETTINGS = RENAMED | {
    "agent": "agent.kind",
    "size": "model.size",
    "obs": "model.obs",
    "save_replay": "replay.save",
    "updates": "pretrain.updates",
}
"""Options whose name is not that of their setting."""


_FILE = Path | None
"""The type of settings that are a file or folder, or none."""
_NO_FILE = ("none", "null")
"""What is typed for none; a file of such a name is ``./none``."""


@dataclass(frozen=True)
class Setting:
    """A value, not yet validated, and who gave it."""

    value: Any
    origin: str


class _Loader(SafeLoader):
    """YAML as people write numbers: PyYAML alone takes 3e-4 and 1e6 for texts."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def preset_names() -> list[str]:
    """Return the presets there are."""
    names = (entry.name for entry in _PRESETS.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def read_preset(name: str, fields: Mapping[str, FieldInfo]) -> dict[str, Setting]:
    """Read one of the presets that come with Newt.

    Raises:
        ConfigError: there is no such preset.
    """
    names = preset_names()
    if name not in names:
        raise ConfigError(
            f"there is no preset '{name}'.{did_you_mean(name, names)} "
            f"Choose one of {', '.join(names)}."
        )
    text = _PRESETS.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return _read_yaml(text, f"preset {name}", fields)


def read_config_file(path: Path, fields: Mapping[str, FieldInfo]) -> dict[str, Setting]:
    """Read a user's settings file, or a run's ``config.yaml``.

    Raises:
        ConfigError: it cannot be read, is not YAML, or has a setting that does not exist.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the settings file {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the settings file {path} is not UTF-8 text.") from error
    return _read_yaml(text, str(path), fields)


def read_overrides(overrides: Sequence[str], fields: Mapping[str, FieldInfo]) -> dict[str, Setting]:
    """Read ``key=value`` texts; of two with the same key the later one counts.

    Raises:
        ConfigError: one has no ``=``, a value that is not YAML, or an unknown key.
    """
    given: dict[str, Setting] = {}
    for override in overrides:
        origin = f"--set {override}"
        name, equals, text = override.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ConfigError(f"{origin}: write KEY=VALUE, such as planner.horizon=5.")
        name = _today(name)
        annotation = fields[name].annotation if name in fields else None
        if annotation == _FILE and text in _NO_FILE:
            value: Any = None
        elif annotation in (str, _FILE):
            value = text  # As it stands: selectors such as @file and *-run are not YAML.
        else:
            value = parse_yaml(text, origin)
        given |= dict(_settings(name, value, origin, fields))
    return given


def read_saved(
    content: Mapping[str, Any], fields: Mapping[str, FieldInfo], origin: str = "its settings"
) -> dict[str, Setting]:
    """Read the settings that a checkpoint, or whatever ``origin`` says, holds.

    Raises:
        ConfigError: It has a setting that does not exist.
    """
    return _read_mapping(content, origin, fields)


def setting_of_flag(flag: str) -> str:
    """Return the dotted name of the setting that an option of the command line stands for."""
    return _FLAG_SETTINGS.get(flag, flag)


def read_flags(flags: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> dict[str, Setting]:
    """Read options of the command line; those that are None were not given.

    Raises:
        ConfigError: an option is the name of no setting.
    """
    given: dict[str, Setting] = {}
    for flag, value in flags.items():
        if value is not None:
            value = str(value) if isinstance(value, Path) else value
            name = setting_of_flag(flag)
            given |= dict(_settings(name, value, f"--{flag.replace('_', '-')}", fields))
    return given


def _read_yaml(text: str, origin: str, fields: Mapping[str, FieldInfo]) -> dict[str, Setting]:
    content = parse_yaml(text, origin)
    if content is None:  # An empty file, or comments only.
        return {}
    if not isinstance(content, Mapping):
        raise ConfigError(f"{origin}: write settings as 'name: value', one per line.")
    return _read_mapping(content, origin, fields)


def _read_mapping(
    content: Mapping[str, Any], origin: str, fields: Mapping[str, FieldInfo]
) -> dict[str, Setting]:
    given: dict[str, Setting] = {}
    for name, value in content.items():
        group = isinstance(value, Mapping) and name in ("demos", "demo_use")
        today = "demos" if group else _today(str(name))
        given |= dict(_settings(today, value, origin, fields))
    return given


def _today(name: str) -> str:
    """Return what a setting is called now; ``demos`` alone is the folder of demonstrations."""
    group, dot, last = name.partition(".")
    return f"demos.{last}" if dot and group == "demo_use" else RENAMED.get(name, name)


def parse_yaml(text: str, origin: str) -> Any:
    """Return what a text in YAML holds, with numbers as people write them.

    Raises:
        ConfigError: It is not YAML; the message begins with ``origin``.
    """
    try:
        # The loader is a safe one: it builds plain values and runs no code.
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        last = max(1, len(text.splitlines()))  # what is missing at the end is there, not after it
        line = f", line {min(mark.line + 1, last)}" if mark is not None else ""
        raise ConfigError(f"{origin}{line}: not valid YAML: {yaml_problem(error)}.") from error


def _settings(
    name: str, value: Any, origin: str, fields: Mapping[str, FieldInfo]
) -> Iterator[tuple[str, Setting]]:
    """Yield the single settings that ``name: value`` stands for."""
    if name in fields:
        yield name, Setting(_number(value, fields[name], name, origin), origin)
        return
    if name.rpartition(".")[0] in fields and _is_mapping(fields[name.rpartition(".")[0]]):
        yield name, Setting(value, origin)
        return
    members = [field for field in fields if field.startswith(f"{name}.")]
    if not members:
        raise _unknown(name, origin, fields)
    if value is None:  # A group's heading with nothing under it.
        return
    if not isinstance(value, Mapping):
        raise ConfigError(f"{origin}: {name} is a group of settings: set {members[0]}, say.")
    for key, item in value.items():
        yield from _settings(f"{name}.{key}", item, origin, fields)


def _is_mapping(field: FieldInfo) -> bool:
    """Return whether a setting has names of its own in it, as ``agent.options`` has."""
    return get_origin(field.annotation) is dict


def _number(value: Any, field: FieldInfo, name: str, origin: str) -> Any:
    """Refuse infinities, and take 1e6 for the whole number that it is."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ConfigError(f"{origin}: {name} is {value}, but it must be a finite number.")
        if field.annotation is int and value.is_integer():
            return int(value)
    return value


def _unknown(name: str, origin: str, fields: Mapping[str, FieldInfo]) -> ConfigError:
    return ConfigError(f"{origin}: there is no setting '{name}'.{hint(name, fields)}")
