"""Numbers as people write them: 5000, 5_000, 1e6, 100M."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import typer

T = TypeVar("T", int, float)

_UNITS = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_BEYOND = Decimal(10) ** 30
"""Larger than whatever is asked for; numbers of many more digits are slow to write out."""


def whole_number(text: str | int) -> int:
    """Return the number that a text stands for.

    Raises:
        BadParameter: It stands for none, or for one with a fraction.
    """
    if isinstance(text, int):
        return text
    unit = _UNITS.get(text[-1:], 1)
    try:
        value = Decimal(text[:-1] if unit > 1 else text)
        if value.is_finite():
            value = max(-_BEYOND, min(_BEYOND, value)) * unit
        whole = value.is_finite() and value == int(value)
    except InvalidOperation:
        whole = False
    if not whole:
        raise typer.BadParameter(
            f"'{text}' is no whole number: write one such as 5000, 1e6 or 100M"
        )
    return int(value)


def real_number(text: str | float) -> float:
    """Return the number that a text stands for.

    Raises:
        BadParameter: It stands for none, or for one that is not finite.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise typer.BadParameter(f"'{text}' is no number: write one such as 0.5")
    return value


def number_option(low: int, high: int, text: str, *names: str) -> Any:
    """Return an option that takes a whole number from ``low`` to ``high``; ``text`` explains it."""
    parse = _between(whole_number, low, high)
    return typer.Option(*names, parser=parse, metavar="<int>", help=text)


def real_option(low: float, high: float, text: str) -> Any:
    """Return an option that takes a number from ``low`` to ``high``; ``text`` explains it."""
    return typer.Option(parser=_between(real_number, low, high), metavar="<float>", help=text)


def _between(read: Callable[[str | Any], T], low: float, high: float) -> Callable[[str | T], T]:
    def parse(text: str | T) -> T:
        number = read(text)
        if number < low:
            raise typer.BadParameter(f"{text} is too small: the smallest is {low:,}")
        if number > high:
            raise typer.BadParameter(f"{text} is too large: the largest is {high:,}")
        return number

    return parse
