"""What can happen to a file of a run."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Damage = Callable[[Path, random.Random], None]
"""Corrupts a file that is not empty."""


def flip_bit(path: Path, dice: random.Random) -> None:
    """One bit."""
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def flip_bits(path: Path, dice: random.Random) -> None:
    """Up to 50 bits anywhere."""
    for _ in range(dice.randint(2, 50)):
        flip_bit(path, dice)


def cut(path: Path, dice: random.Random) -> None:
    """Its end is missing."""
    os.truncate(path, dice.randrange(path.stat().st_size))


def zeros(path: Path, dice: random.Random) -> None:
    """A piece of zeros, as file systems leave after a power cut."""
    data = bytearray(path.read_bytes())
    first = dice.randrange(len(data))
    count = min(dice.choice((16, 512, 4096)), len(data) - first)
    data[first : first + count] = bytes(count)
    path.write_bytes(data)


def empty(path: Path, dice: random.Random) -> None:
    """No byte left."""
    path.write_bytes(b"")


def delete(path: Path, dice: random.Random) -> None:
    """The file is gone."""
    path.unlink()


def delete_folder(path: Path, dice: random.Random) -> None:
    """The folder it lies in is gone."""
    shutil.rmtree(path.parent)


def swap(path: Path, dice: random.Random) -> None:
    """It has another file's content, and that has its."""
    others = [other for other in sorted(path.parent.iterdir()) if other.is_file() and other != path]
    other, own = dice.choice(others or [path]), path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(own)


def wrong_value(path: Path, dice: random.Random) -> None:
    """An entry of a YAML or JSON file is of another type, or a number out of range."""
    as_json = path.suffix == ".json"
    text = path.read_text(encoding="utf-8")
    content = json.loads(text) if as_json else yaml.safe_load(text)
    place: Any = content
    while True:
        key = dice.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
        if not isinstance(place[key], dict | list) or not place[key] or dice.random() < 0.1:
            break
        place = place[key]
    values: tuple[Any, ...] = (None, [], {}, "x", "", -1, 0, 1e30, 2**70, 0.5, True, math.nan)
    place[key] = dice.choice(values)
    path.write_text(json.dumps(content) if as_json else yaml.safe_dump(content), encoding="utf-8")


ANYWHERE: tuple[Damage, ...] = (flip_bit, flip_bits, cut, zeros, empty, delete, swap)


def from_another_run(run: Path, other: Path, name: str) -> None:
    """The file is that of a run of the same tasks with another seed."""
    shutil.copyfile(other / name, run / name)


def kinds_of(name: str) -> list[Damage | None]:
    """Return what can happen to a file of a run; None for the file of another run."""
    kinds: list[Damage | None] = [*ANYWHERE, flip_bit, flip_bit, None]
    if name.endswith((".yaml", ".json")):
        kinds += [wrong_value] * 6
    if "/" in name:
        kinds.append(delete_folder)
    return kinds
