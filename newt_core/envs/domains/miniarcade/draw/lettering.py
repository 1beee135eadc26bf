"""Strokes of a small alphabet, so that frames need no font and look the same everywhere.

A glyph's lines go through points of a grid: columns ``l``, ``m``, ``r`` and rows 0 (top) to 4.
"""

from __future__ import annotations

Line = list[tuple[float, float]]

ADVANCE = 0.85
"""From one character to the next, as a share of the height."""
GAP = 0.25
"""The part of it that lies between two characters."""

_COLUMNS = {"l": 0.0, "m": (ADVANCE - GAP) / 2, "r": ADVANCE - GAP}
_ROWS = {"0": 0.08, "1": 0.29, "2": 0.5, "3": 0.71, "4": 0.92}

_LINES = {
    "0": ["l1 m0 r1 r3 m4 l3 l1"],
    "1": ["l1 m0 m4", "l4 r4"],
    "2": ["l1 m0 r1 l4 r4"],
    "3": ["l0 r0 m2 r3 m4 l3"],
    "4": ["r3 l3 m0", "m2 m4"],
    "5": ["r0 l0 l2 m2 r3 m4 l4"],
    "6": ["r0 m0 l2 l3 m4 r3 m2 l3"],
    "7": ["l0 r0 m4"],
    "8": ["m2 l1 m0 r1 m2 l3 m4 r3 m2"],
    "9": ["r1 m2 l1 m0 r1 r2 m4 l4"],
    "+": ["m1 m3", "l2 r2"],
    "-": ["l2 r2"],
    "A": ["l4 m0 r4", "l3 r3"],
    "E": ["r0 l0 l4 r4", "l2 r2"],
    "G": ["r1 m0 l1 l3 m4 r3 r2 m2"],
    "N": ["l4 l0 r4 r0"],
    "O": ["l1 m0 r1 r3 m4 l3 l1"],
    "R": ["l4 l0 m0 r1 m2 l2", "m2 r4"],
}

GLYPHS: dict[str, list[Line]] = {
    sign: [[(_COLUMNS[point[0]], _ROWS[point[1]]) for point in line.split()] for line in lines]
    for sign, lines in _LINES.items()
}
"""Figures, signs and the capitals that labels need; [0, 0.6] wide and [0, 1] high, v down."""
