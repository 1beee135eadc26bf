"""A row of the table 'option → what must arrive', and how what arrived is looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.stand_ins import Answer, FakeCore


@dataclass(frozen=True)
class Seen:
    """What a command line led to, looked at in the folder where it ran."""

    answer: Answer
    core: FakeCore


Look = str | Callable[[Seen], object]
"""``train config.model.size``: where the core received a value, see :func:`look_up`. Where there
is no such argument, a function that finds the effect."""


@dataclass(frozen=True)
class Row:
    """One option or argument of a command, given once with another value than its default."""

    option: str
    """As it is typed, or the argument's parameter."""
    typed: str
    """What is added to the command's line; or a whole line, which begins with ``newt``."""
    look: Look
    value: object
    """What must arrive."""
    default: object
    """What must arrive without the option; of one that is required, with that of ``line``."""
    line: str = ""
    """The line without the option, where it is not the command's."""
    code: int | None = None
    """The exit code with the option, where it is another one than without."""


@dataclass(frozen=True)
class Command:
    """A command's part of the table."""

    line: str
    """The shortest line that works where the tests run it."""
    rows: tuple[Row, ...]
    replaced: tuple[str, ...] = ()
    """Functions of the core that get a stand-in, beside the slow ones."""
    code: int = 0
    """The exit code of the line."""


def look_up(seen: Seen, look: Look) -> object:
    """Return what arrived.

    ``train config.model.size`` is the field ``model.size`` of the argument ``config`` of ``train``.
    A part of the path is an attribute, a key, an index or ``*``, for each of several. In the place
    of the function, ``json`` is the document that was printed. A path is told from where the
    command ran.
    """
    if not isinstance(look, str):
        return look(seen)
    name, _, path = look.partition(" ")
    start = seen.answer.json if name == "json" else seen.core.arguments(name)
    return _follow(start, path.split(".") if path else [])


def _follow(value: Any, parts: list[str]) -> object:
    if not parts:
        here = isinstance(value, Path) and value.is_relative_to(Path.cwd())
        return value.relative_to(Path.cwd()) if here else value
    part, *rest = parts
    if part == "*":
        return [_follow(item, rest) for item in value]
    if isinstance(value, Mapping):
        return _follow(value[part], rest)
    return _follow(value[int(part)] if part.isdigit() else getattr(value, part), rest)


def is_json(seen: Seen) -> bool:
    """Whether stdout is one JSON document."""
    try:
        return seen.answer.json is not None
    except ValueError:
        return False


def exit_code(seen: Seen) -> int:
    """How the command ended."""
    return seen.answer.code


def calls(name: str) -> Callable[[Seen], int]:
    """How often a function of the core was called."""
    return lambda seen: [called for called, _ in seen.core.calls].count(name)


def knows(name: str, argument: str, task: str = "short-balance") -> Callable[[Seen], bool]:
    """Whether a function was given a library with a task of the user's."""
    return lambda seen: task in seen.core.arguments(name)[argument]


def file_there(name: str) -> Callable[[Seen], bool]:
    """Whether there is a file by now."""
    return lambda seen: Path(name).is_file()


def json_row(line: str = "") -> Row:
    """The row of ``--json``, which every command has; ``line`` is one without it."""
    return Row("--json", "--json", is_json, True, False, line=line)
