"""What is wrong with a setting's value, in a user's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS = {
    "bool_type": "write true or false",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "finite_number": "write a finite number",
    "string_type": "write a text",
    "string_too_short": "it must not be empty",
    "dict_type": "write {name: value, …}",
    "path_type": "write the path of a file or folder",
}
_HUGE = 10**30
"""From here on, the command line does not tell numbers apart."""
_BOUNDS = {
    "greater_than_equal": ("ge", "the smallest is"),
    "less_than_equal": ("le", "the largest is"),
    "greater_than": ("gt", "it must be above"),
    "less_than": ("lt", "it must be below"),
}


def reason(error: Mapping[str, Any]) -> str:
    """Return what a value has to be; :func:`joined` makes it the end of a sentence."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"{words} {_number(context[name])}"
    if kind == "literal_error":
        return f"choose {str(context['expected']).replace(chr(39), '')}"
    return error["msg"].removeprefix("Value error, ")


def joined(wrong: str) -> str:
    """Return a reason with what it takes to follow ``… is 0``."""
    return f": {wrong}" if wrong.startswith(("write", "choose")) else f", but {wrong}"


def shown(value: Any) -> str:
    """Return a value that is wrong as the user would write it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= _HUGE:
        return "1e30 or more" if value > 0 else "-1e30 or less"
    return repr(value)


def _number(bound: Any) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"
