"""Drawing mutants: files with one change each."""

from __future__ import annotations

import ast
import difflib
import random
import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from cosmic_ray import plugins
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import MutationVisitor

PARTS = ("agents", "planner", "model", "replay", "evaluation", "training")
"""Folders of ``newt_core`` that are broken, besides the command line."""

SKIPPED = ("BitOr", "BitAnd", "BitXor", "Shift", "NumberReplacer", "Variable", "Unary", "_Is")
"""Left out: ``|`` of annotations, numbers (ours change them), what makes no Python, and ``is`` for
``==``, which is the same for small numbers and names."""

NOT_BEHAVIOUR = (r"\bfrozen=", r"^[-+]\s*[*/],$", r", [*/], ", r"\bmetavar=", r"\bINK = |_INCHES\b")
"""Lines whose change alters no result: a record that nobody writes to, a parameter that may be
given by name alone, what a help calls a value, colours and sizes of drawings."""

Mutant = dict[str, Any]
"""One change: file, what was done, where, and the new text of the file."""


def builtin_mutants(text: str) -> Iterator[tuple[str, int]]:
    """Yield (operator, occurrence) of every change that cosmic-ray knows."""
    tree = get_ast(text)
    for name in plugins.operator_names():
        if any(word in name for word in SKIPPED):
            continue
        operator = plugins.get_operator(name)()
        count = sum(1 for node in _walk(tree) for _ in operator.mutation_positions(node))
        for occurrence in range(count):
            yield name, occurrence


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", ()):
        yield from _walk(child)


def own_mutants(text: str) -> list[tuple[str, int]]:
    """Return (kind, place) of the statements that can be deleted and arguments left out."""
    found = []
    for index, node in enumerate(ast.walk(ast.parse(text))):
        if _can_go(node):
            found.append(("delete statement", index))
        elif isinstance(node, ast.Call) and node.keywords:
            found.append(("drop argument", index))
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            found.append(("change number", index))
    return found


def _can_go(node: ast.AST) -> bool:
    """Whether a node is a bare call, or sets an attribute."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return isinstance(node, ast.Assign | ast.AugAssign) and isinstance(targets[0], ast.Attribute)


def apply_own(text: str, kind: str, place: int, generator: random.Random) -> str:
    """Return the text with one of our changes."""
    tree = ast.parse(text)
    node = list(ast.walk(tree))[place]
    lines = text.splitlines(keepends=True)
    if kind == "drop argument":
        assert isinstance(node, ast.Call)
        keyword = generator.choice(node.keywords)
        return _without(lines, keyword.value, before=f"{keyword.arg}=" if keyword.arg else "**")
    if kind == "change number":
        assert isinstance(node, ast.Constant)
        assert isinstance(node.value, int | float)
        return _replaced(lines, node, repr(node.value + generator.choice((-1, 1))))
    return _replaced(lines, node, "pass")


def _span(lines: list[str], node: ast.AST) -> tuple[int, ...]:
    """First and last character of a node in the whole text."""
    starts = [0, *accumulate(len(line) for line in lines)]

    def at(row: int, column: int) -> int:
        return starts[row - 1] + len(lines[row - 1].encode()[:column].decode())

    ends = [(f"{end}lineno", f"{end}col_offset") for end in ("", "end_")]
    return tuple(at(getattr(node, row), getattr(node, column)) for row, column in ends)


def _replaced(lines: list[str], node: ast.AST, new: str) -> str:
    text, (start, end) = "".join(lines), _span(lines, node)
    return text[:start] + new + text[end:]


def _without(lines: list[str], value: ast.AST, before: str) -> str:
    text, (start, end) = "".join(lines), _span(lines, value)
    start = text.rindex(before, 0, start)
    rest = text[end:].lstrip()
    return text[:start] + (rest[1:] if rest.startswith(",") else rest)


def draw(tree: Path, count: int, seed: int) -> list[Mutant]:
    """Draw mutants, evenly over files, half of them of our own kinds."""
    generator = random.Random(seed)
    files = [
        path
        for folder in (*(tree / "newt_core" / part for part in PARTS), tree / "newt_cli")
        for path in sorted(folder.rglob("*.py"))
        if path.name != "__init__.py" and path.stat().st_size > 300
    ]
    chosen: list[Mutant] = []
    seen: set[str] = set()
    while len(chosen) < count:
        path = generator.choice(files)
        text = path.read_text(encoding="utf-8")
        if generator.random() < 0.5:
            kind, place = generator.choice(own_mutants(text) or [("", 0)])
            new = apply_own(text, kind, place, generator) if kind else text
        else:
            names = list(builtin_mutants(text))
            if not names:
                continue
            kind, occurrence = generator.choice(names)
            new = (
                MutationVisitor.mutate_code(text, plugins.get_operator(kind)(), occurrence) or text
            )
        if new == text or new in seen:
            continue
        try:
            ast.parse(new)
            seen.add(new)
        except SyntaxError:
            continue
        change = [
            line
            for line in difflib.unified_diff(text.splitlines(), new.splitlines(), lineterm="", n=0)
            if not line.startswith(("---", "+++"))
        ]
        if any(re.search(pattern, line) for pattern in NOT_BEHAVIOUR for line in change):
            continue
        # Whether a ``zip`` sees that what it joins is of one length.
        if len({re.sub(r"strict=\w+|[ ,]", "", line[1:]) for line in change[1:]}) == 1:
            continue
        found = {"file": str(path.relative_to(tree)), "kind": kind, "change": change}
        chosen.append({**found, "text": new, "lines": _changed(text, new)})
    return chosen


def _changed(old: str, new: str) -> range:
    """Return the numbers of the lines that a mutant changes."""
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    spans = [(first, last) for tag, first, last, _, _ in matcher.get_opcodes() if tag != "equal"]
    return range(spans[0][0] + 1, max(spans[-1][1], spans[0][0] + 1) + 1)
