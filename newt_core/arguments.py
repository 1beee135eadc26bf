"""Arguments of the functions that programs call: checked before anything is done with them.

Each function returns the argument in the type that is used from there on, or raises a
:class:`ConfigError` that says what was given and what is allowed.
"""

from __future__ import annotations

import math
import operator
import os
import reprlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from newt_core.errors import ConfigError, did_you_mean, one_line

T = TypeVar("T")

SEED = 2**64 - 1
"""The largest seed: NumPy's and the environments' take 64 bits."""


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """Return a whole number from ``low`` to ``high``; NumPy's kinds are ones, too."""
    bits = high.bit_length()
    largest = f"2**{bits} - 1" if bits > 32 and high == 2**bits - 1 else f"{high:,}"
    wanted = f"a whole number from {low:,} to {largest}"
    if isinstance(value, bool):
        raise _wrong(name, value, wanted)
    try:
        number = operator.index(value)
    except TypeError:
        raise _wrong(name, value, wanted) from None
    if not low <= number <= high:
        raise _wrong(name, value, wanted)
    return number


def seed(value: Any, *, name: str = "seed", high: int = SEED) -> int:
    """Return what a generator of random numbers can begin with."""
    return whole_number(name, value, 0, high)


def real_number(name: str, value: Any, low: float, high: float) -> float:
    """Return a finite number from ``low`` to ``high``."""
    try:
        if isinstance(value, bool | str | bytes):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not low <= number <= high:
        raise _wrong(name, value, f"a number from {low:g} to {high:g}")
    return number


def truth(name: str, value: Any) -> bool:
    """Return True or False."""
    # NumPy's truth values are named like Python's own, and are no subclass of it.
    if type(value).__name__ not in ("bool", "bool_"):
        raise _wrong(name, value, "True or False")
    return bool(value)


def word(name: str, value: Any, what: str) -> str:
    """Return a text that is not empty; ``what`` says what it is."""
    if not isinstance(value, str) or not value:
        raise _wrong(name, value, what)
    return value


def choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return one of some words."""
    if not isinstance(value, str) or value not in choices:
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        raise _wrong(name, value, f"one of {', '.join(choices)}", hint)
    return value


def path(name: str, value: Any) -> Path:
    """Return the path of a file or a folder, given as a text or a path."""
    if not isinstance(value, str | os.PathLike) or not str(value):
        raise _wrong(name, value, "the path of a file or folder")
    if "\0" in str(value):
        raise _wrong(name, value, "a path without the character 0")
    return Path(value)


def optional(check: Callable[[str, Any], T], name: str, value: Any) -> T | None:
    """Return what ``check`` returns of an argument, or None where that is given."""
    return None if value is None else check(name, value)


def folders(name: str, value: Any) -> list[Path]:
    """Return the paths of several folders; a single one is taken for a list of one."""
    if isinstance(value, str | os.PathLike):
        return [path(name, value)]
    if not isinstance(value, Sequence):
        raise _wrong(name, value, "a list of folders")
    return [path(f"{name}[{number}]", item) for number, item in enumerate(value)]


def several(name: str, value: Any) -> Sequence[Any]:
    """Return a list or a tuple; a text is none."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(name, value, "a list")
    return value


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Return several texts."""
    for number, item in enumerate(several(name, value)):
        if not isinstance(item, str):
            raise _wrong(f"{name}[{number}]", item, "a text")
    return tuple(value)


def mapping(name: str, value: Any, what: str) -> Mapping[str, Any]:
    """Return a mapping; ``what`` says what it maps."""
    if not isinstance(value, Mapping):
        raise _wrong(name, value, what)
    return value


def instance(name: str, value: Any, kind: type[T], source: str) -> T:
    """Return an object of a class; ``source`` says where such objects come from."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise _wrong(name, value, f"{article} {kind.__name__}, which {source}")
    return value


def put(record: Any, **values: Any) -> None:
    """Set fields of a frozen dataclass to what was made of its arguments."""
    for name, value in values.items():
        object.__setattr__(record, name, value)


def shown(value: Any) -> str:
    """Return a value as an error shows it: in one short line."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"an array of shape {list(shape)}"
    try:
        return one_line(reprlib.repr(value))
    except Exception:  # noqa: BLE001 (another program's class)
        return f"a {type(value).__name__}"


def _wrong(name: str, value: Any, wanted: str, hint: str = "") -> ConfigError:
    return ConfigError(f"{name} is {shown(value)}; it must be {wanted}.{hint}")
