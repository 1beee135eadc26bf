"""A YAML file that remembers the line of each of its keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from newt_core.errors import SpecError
from newt_core.yaml_loader import SafeLoader, yaml_problem


@dataclass(frozen=True)
class Source:
    """The text of one spec file, and the name by which errors call it."""

    name: str
    text: str

    def error(self, line: int, problem: str, task: str | None = None) -> SpecError:
        """Return the error for a problem in one line, and in one task where that is known."""
        where = f"{self.name}, line {line}" + (f", task '{task}'" if task else "")
        return SpecError(f"{where}: {problem}")


def parse(source: Source) -> tuple[dict[str, Any], yaml.Node]:
    """Return a file's content and the YAML node it came from, whose marks know the lines.

    Raises:
        SpecError: it is not valid YAML, repeats a key, or is not a mapping.
    """
    loader = SafeLoader(source.text)
    try:
        node = loader.get_single_node()
        _refuse_repeated_keys(source, node)
        data = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise source.error(line, f"this is not valid YAML: {yaml_problem(error)}.") from error
    except yaml.YAMLError as error:  # a character that YAML forbids: it has no mark
        raise SpecError(f"{source.name} is not valid YAML: {yaml_problem(error)}.") from error
    finally:
        loader.dispose()
    if not isinstance(data, dict) or node is None:
        raise source.error(1, "the file must hold a mapping of keys to values.")
    return data, node


def _refuse_repeated_keys(source: Source, root: yaml.Node | None) -> None:
    """YAML lets a later key silently replace an earlier one: here that is a mistake."""
    stack: list[yaml.Node] = [root] if root is not None else []
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if id(node) in seen:  # an alias of a node that was looked at
            continue
        seen.add(id(node))
        keys: set[str] = set()
        for entry in entries(node):
            stack.append(entry.node)
            if isinstance(entry.key, str):
                if entry.key in keys:
                    raise source.error(
                        entry.line, f"the key '{entry.key}' stands twice in one mapping."
                    )
                keys.add(entry.key)


@dataclass(frozen=True)
class Entry:
    """One key of a YAML mapping, or one item of a list."""

    key: str | int
    node: yaml.Node
    line: int
    """Where the key stands: an alias's own node may stand far away."""


def entries(node: yaml.Node | None) -> list[Entry]:
    """Return the keys of a mapping or the items of a list; nothing for any other node."""
    if isinstance(node, yaml.MappingNode):
        return [Entry(str(key.value), value, line_of(key)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return [Entry(index, item, line_of(item)) for index, item in enumerate(node.value)]
    return []


def _entry(node: yaml.Node | None, key: object) -> Entry | None:
    # The last of several: a merge ('<<') puts the keys it brings before a mapping's own.
    found = [entry for entry in entries(node) if entry.key == key or entry.key == str(key)]
    return found[-1] if found else None


def child(node: yaml.Node, key: str) -> yaml.Node | None:
    """Return the node under a mapping's key, or None."""
    entry = _entry(node, key)
    return entry.node if entry else None


def find_line(scopes: Sequence[yaml.Node | None], path: Sequence[object]) -> int:
    """Return the line of a path of keys in the first scope that has its first key.

    A path that leads nowhere, such as a missing key's, gives the line where it stops.
    """
    found = [scope for scope in scopes if scope is not None]
    node: yaml.Node = next((scope for scope in found if _entry(scope, path[0])), found[0])
    line = line_of(node)
    for key in path:
        entry = _entry(node, key)
        if entry is None:
            break
        node, line = entry.node, entry.line
    return line


def line_of(node: yaml.Node) -> int:
    """Return the line, from 1, on which a node begins."""
    return int(node.start_mark.line) + 1
