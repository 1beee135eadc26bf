"""The table of ablations: rows that each change some of a run's settings.

The shipped one is ``ablations.yaml`` beside this file; users write tables of their own in the same
form. Its rows are those of the paper (Newt, section 4) and some more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from newt_core.errors import ConfigError, did_you_mean, os_reason
from newt_core.settings.messages import reason
from newt_core.training.config import RunConfig, changed, setting_fields
from newt_core.training.config_layers import Setting, parse_yaml, read_saved

REFERENCE = "reference"
"""The row that the others are compared with: the settings as they were asked for."""
LONGEST_NAME = 40
_SHIPPED = files("newt_core.training").joinpath("ablations.yaml")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_NOT_ITS_OWN = ("tasks", "seed", "pretrained")
"""Settings that all rows share: with others, their scores would not compare."""


class Row(BaseModel):
    """One ablation."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(max_length=LONGEST_NAME)
    """Names its runs' folders."""
    description: str = Field(min_length=1)
    """One line."""
    settings: dict[str, Any] = {}
    """Dotted name → the value that it has in this row."""
    times: dict[str, float] = {}
    """Dotted name → by how much the reference's value is multiplied."""
    needs_demos: bool = False
    """Whether it means nothing without demonstrations."""

    @field_validator("name")
    @classmethod
    def _usable(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("use letters, digits, '-' and '.', and a letter or digit first")
        return name

    @property
    def changes(self) -> str:
        """What it changes, in one line."""
        said = [f"{name}={_written(value)}" for name, value in self.settings.items()]
        return ", ".join([*said, *(f"{name} x {by:g}" for name, by in self.times.items())])

    def of(self, reference: RunConfig) -> RunConfig:
        """Return the settings of a run of this row.

        Raises:
            ConfigError: A setting is unknown, cannot be multiplied, or its value is not allowed.
        """
        origin = _origin(self.name)
        fields = setting_fields()
        given = read_saved(self.settings, fields, origin)
        for name in read_saved(self.times, fields, origin):
            value = attrgetter(name)(reference)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ConfigError(f"{origin}: {name} is {value}, which cannot be multiplied.")
            scaled = value * self.times[name]
            whole = max(1, round(scaled)) if isinstance(value, int) else scaled
            given[name] = Setting(whole, origin)
        shared = [name for name in given if name in _NOT_ITS_OWN]
        if shared:
            raise ConfigError(f"{origin}: {shared[0]} is the same in all rows: leave it out.")
        return changed(reference, given)


@dataclass(frozen=True)
class Table:
    """Rows under different names, the reference first."""

    rows: Sequence[Row]

    def chosen(self, names: Sequence[str]) -> list[Row]:
        """Return the reference and the named rows, in the table's order; all without a name.

        Raises:
            ConfigError: There is no such row.
        """
        known = [row.name for row in self.rows]
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"there is no ablation '{name}'.{did_you_mean(name, known)} "
                    "'newt ablate --list' shows all of them."
                )
        wanted = {REFERENCE, *(names or known)}
        return [row for row in self.rows if row.name in wanted]


def read_table(path: Path | None = None) -> Table:
    """Read the shipped table, or a user's file.

    Raises:
        ConfigError: It cannot be read, is not such a table, or a row is not allowed.
    """
    name = "ablations.yaml" if path is None else str(path)
    try:
        text = (_SHIPPED if path is None else path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the table {name}: {os_reason(error)}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the table {name} is not UTF-8 text.") from error
    content = parse_yaml(text, name)
    given = content.get("rows") if isinstance(content, Mapping) and len(content) == 1 else None
    if not isinstance(given, list) or not given:
        raise ConfigError(f"{name}: write 'rows:' and a list of ablations below it.")
    rows = [_row(entry, number, name) for number, entry in enumerate(given, 1)]
    if REFERENCE not in [row.name for row in rows]:
        rows.insert(0, Row(name=REFERENCE, description="The settings as asked for."))
    for row in rows:
        if [other.name for other in rows].count(row.name) > 1:
            raise ConfigError(f"{name}: two rows are called '{row.name}'.")
        if row.name == REFERENCE and row.changes:
            raise ConfigError(
                f"{name}: the row '{REFERENCE}' changes nothing; say what all rows share with "
                "--set or --config."
            )
        # A name that no setting has is found whether the row runs or not.
        read_saved({**row.settings, **row.times}, setting_fields(), _origin(row.name))
    return Table(sorted(rows, key=lambda row: row.name != REFERENCE))


def _row(entry: Any, number: int, place: str) -> Row:
    """Return a row as it is written in a table."""
    called = entry.get("name") if isinstance(entry, Mapping) else None
    where = f"{place}: '{called}'" if isinstance(called, str) else f"{place}: row {number}"
    try:
        return Row.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "model_type":
            raise ConfigError(f"{where}: write a name, a description and settings.") from error
        key = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            near = did_you_mean(key, Row.model_fields)
            raise ConfigError(f"{where} has a '{key}', which no row has.{near}") from error
        if first["type"] == "missing":
            raise ConfigError(f"{where} has no {key}.") from error
        raise ConfigError(f"{where}: {key}: {reason(first)}.") from error


def _origin(name: str) -> str:
    return f"the ablation '{name}'"


def _written(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
