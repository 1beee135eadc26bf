"""YAML files into task specs, with errors that point at the line to change.

A file holds one domain's tasks::

    domain: dmcontrol
    defaults: {action_repeat: 2}    # optional: for tasks that do not say otherwise
    tasks:
      - id: walker-run
        ...
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from newt_core.arguments import folders
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import BUILTIN_DOMAINS, TaskSpec
from newt_core.specs.score import SCORE_RULES
from newt_core.specs.select import select, unknown_task
from newt_core.specs.yaml_file import Source, child, entries, find_line, line_of, parse

SPEC_PACKAGE = "task_specs"
"""Package whose data the built-in specs are."""
FILE_KEYS = ("domain", "defaults", "tasks")
"""What a spec file may hold at its top."""


class SpecLibrary(Mapping[str, TaskSpec]):
    """Task specs under their ids, in the order of their files."""

    def __init__(self, specs: Mapping[str, TaskSpec]) -> None:
        self._specs = dict(specs)

    def __getitem__(self, task_id: str) -> TaskSpec:
        """Return one task's spec.

        Raises:
            UnknownTaskError: there is none of this id.
        """
        if task_id not in self:
            raise unknown_task(self._specs, str(task_id))
        return self._specs[task_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, task_id: object) -> bool:
        return isinstance(task_id, str) and task_id in self._specs

    def __repr__(self) -> str:
        return f"SpecLibrary({len(self)} tasks)"

    def select(self, selector: str | Sequence[str]) -> list[TaskSpec]:
        """Return the tasks that a selector names; see :mod:`newt_core.specs.select`."""
        return select(self._specs, selector)


def load_specs(extra_folders: Sequence[Path] = ()) -> SpecLibrary:
    """Return the built-in task specs, then those of the user's folders.

    Raises:
        ConfigError: ``extra_folders`` is no list of paths.
        SpecError: a folder is missing or empty, a file is not valid YAML, a task breaks a
            rule of :class:`TaskSpec`, or two tasks share an id.
    """
    places = dict(_builtin_places())
    for folder in folders("specs", extra_folders):
        for source in _user_sources(folder):
            _add(places, source)
    return SpecLibrary({task_id: place.spec for task_id, place in places.items()})


@dataclass(frozen=True)
class _Place:
    """A spec and where it stands."""

    spec: TaskSpec
    where: str


@cache
def _builtin_places() -> Mapping[str, _Place]:
    """Read the package's own files, once per process: they do not change."""
    order = {f"{domain}.yaml": rank for rank, domain in enumerate(BUILTIN_DOMAINS)}
    found = [file for file in files(SPEC_PACKAGE).iterdir() if file.name.endswith(".yaml")]
    places: dict[str, _Place] = {}
    for file in sorted(found, key=lambda file: (order.get(file.name, len(order)), file.name)):
        _add(places, Source(f"{SPEC_PACKAGE}/{file.name}", file.read_text(encoding="utf-8")))
    return places


def spec_files(folder: Path) -> list[Path]:
    """Return the files of task specs in a user's folder."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))


def _user_sources(folder: Path) -> Iterator[Source]:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise SpecError(
            f"The specs folder '{folder}' {what}. Give --specs a folder with YAML files of tasks."
        )
    paths = spec_files(folder)
    if not paths:
        raise SpecError(
            f"The specs folder '{folder}' holds no .yaml file. Put a file of tasks into it."
        )
    for path in paths:
        try:
            yield Source(str(path), path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise SpecError(f"Cannot read the spec file {path}: {reason}.") from error


def _add(places: dict[str, _Place], source: Source) -> None:
    """Add a file's tasks to ``places``."""
    data, node = _read(source)
    defaults = data.get("defaults") or {}
    domain = {"domain": data["domain"]} if "domain" in data else {}
    nodes = [entry.node for entry in entries(child(node, "tasks"))]
    for number, (raw, task_node) in enumerate(zip(data["tasks"], nodes, strict=True), start=1):
        if not isinstance(raw, dict):
            raise source.error(
                line_of(task_node), f"task {number} must be a mapping of its fields."
            )
        label = raw["id"] if isinstance(raw.get("id"), str) else f"number {number}"
        try:
            spec = TaskSpec.model_validate({**domain, **defaults, **raw})
        except ValidationError as error:
            field, problem = _explain(error)
            scopes = (task_node, child(node, "defaults"), node)
            raise source.error(find_line(scopes, field), problem, label) from error
        where = f"{source.name}, line {find_line((task_node,), ('id',))}"
        if spec.id in places:
            raise SpecError(
                f"{where}, task '{spec.id}': this id is taken by {places[spec.id].where}. "
                "Every task needs an id of its own."
            )
        places[spec.id] = _Place(spec, where)


def _read(source: Source) -> tuple[dict[str, Any], yaml.Node]:
    """Return a spec file's content, checked down to its list of tasks, and its YAML node."""
    data, node = parse(source)
    for key in data:
        if key not in FILE_KEYS:
            hint = did_you_mean(str(key), FILE_KEYS)
            raise source.error(
                find_line((node,), (key,)),
                f"unknown key '{key}'.{hint} Allowed: {', '.join(FILE_KEYS)}.",
            )
    if not isinstance(data.get("defaults") or {}, dict):
        raise source.error(find_line((node,), ("defaults",)), "'defaults' must be a mapping.")
    if not isinstance(data.get("tasks"), list) or not data["tasks"]:
        raise source.error(
            find_line((node,), ("tasks",)), "'tasks' must be a list of at least one task."
        )
    return data, node


def _explain(error: ValidationError) -> tuple[tuple[int | str, ...], str]:
    """Return where the mistake to report is (a path of keys) and what it is."""
    problems = error.errors(include_url=False)
    # A misspelt required key is also a missing one: the misspelling is the better message.
    problem = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    location = problem["loc"]
    model: type[BaseModel] = TaskSpec
    field = location
    if len(location) > 1 and location[0] == "score":
        # Within the score, pydantic's path also names the rule that it chose.
        model = SCORE_RULES[str(location[1])]
        field = location[:1] + location[2:]
    name = ".".join(str(part) for part in field)

    if problem["type"] == "value_error":
        message = f"'{name}': {problem['ctx']['error']}."
    elif problem["type"] == "extra_forbidden":
        allowed = list(model.model_fields)
        hint = did_you_mean(str(field[-1]), allowed)
        message = f"unknown key '{name}'.{hint} Allowed: {', '.join(allowed)}."
    else:
        missing = problem["type"] == "missing"
        what = "missing" if missing else reprlib.repr(problem["input"])
        wanted = TaskSpec.model_fields[str(field[0])].description
        subject = "it" if len(field) == 1 else f"'{field[0]}'"
        message = f"'{name}' is {what}: {subject} must be {wanted}."
    more = len(problems) - 1
    return field, message + (f" ({more} more to fix in this task.)" if more else "")
