"""Break the code on purpose, one place at a time, and see whether the tests notice.

    pip install cosmic-ray pytest-cov
    git worktree add /tmp/mutants && cd /tmp/mutants
    pytest --cov=newt_core --cov=newt_cli --cov-context=test --cov-report= --junitxml=tests.xml
    python benchmarks/mutants.py --tree /tmp/mutants --count 300 --out results/mutants.json

A mutant is a file with one change: an operator, a comparison, a number or a keyword replaced
(cosmic-ray's operators), a statement deleted, or an argument not passed on (ours). Mutants are
drawn evenly over files and, within a file, over places. Each is tried with the tests that run the
changed lines, the quickest first, which the suite's own run above has recorded; what is set when a
module is imported, with those that run any line of the file. What a run has found is kept, so that
it can be interrupted. Of a survivor, the file says what was changed.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from cosmic_ray import plugins
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import MutationVisitor
from coverage import CoverageData

from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.version import git_version

PARTS = ("agents", "planner", "model", "replay", "evaluation", "training")
"""Folders of ``newt_core`` that are broken, besides the command line."""

MOST_SECONDS = 45
"""The tests that are run for one mutant took no longer than this, when nothing was broken."""

SKIPPED = ("BitOr", "BitAnd", "BitXor", "Shift", "NumberReplacer", "Variable", "Unary")
"""Left out: ``|`` of annotations, numbers (ours change them), and what makes no Python."""

TIMEOUT_S = 300  # A mutant that hangs has been noticed.


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

    ends = ("lineno", "col_offset"), ("end_lineno", "end_col_offset")
    return tuple(at(*(getattr(node, name) for name in names)) for names in ends)


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
        found = {"file": str(path.relative_to(tree)), "kind": kind, "change": change}
        chosen.append({**found, "text": new, "lines": _changed(text, new)})
    return chosen


class Tests:
    """Which tests run which lines, and how long each takes.

    Args:
        tree: Where the suite was run, with what the top of this file says.
    """

    def __init__(self, tree: Path) -> None:
        self._coverage = CoverageData(str(tree / ".coverage"))
        self._coverage.read()
        self._seconds: dict[str, float] = {}
        for case in ElementTree.parse(tree / "tests.xml").iter("testcase"):
            path = case.attrib["classname"].replace(".", "/") + ".py"
            self._seconds[f"{path}::{case.attrib['name']}"] = float(case.attrib["time"])

    def of(self, file: str, lines: range) -> list[str]:
        """Return the tests of some lines of a file, or of any of its lines, the quickest first."""
        here = next((name for name in self._coverage.measured_files() if name.endswith(file)), "")
        by_line = self._coverage.contexts_by_lineno(here)
        names = {name for line in lines for name in by_line.get(line, ()) if name}
        names = names or {name for some in by_line.values() for name in some if name}
        tests = {name.partition("|")[0] for name in names} & self._seconds.keys()
        ordered = sorted(tests, key=lambda test: (self._seconds[test], test))
        total = accumulate(self._seconds[test] for test in ordered)
        return [test for test, sum_ in zip(ordered, total, strict=True) if sum_ <= MOST_SECONDS]


def _changed(old: str, new: str) -> range:
    """Return the numbers of the lines that a mutant changes."""
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    spans = [(first, last) for tag, first, last, _, _ in matcher.get_opcodes() if tag != "equal"]
    return range(spans[0][0] + 1, max(spans[-1][1], spans[0][0] + 1) + 1)


def noticed(tree: Path, mutant: Mutant, tests: Tests) -> str | None:
    """Return which test fails for a mutant, or None."""
    if not (chosen := tests.of(mutant["file"], mutant["lines"])):
        return None
    path = tree / mutant["file"]
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant["text"], encoding="utf-8")
    try:
        return _failing(tree, chosen)
    finally:
        path.write_text(before, encoding="utf-8")


def _failing(tree: Path, tests: list[str]) -> str | None:
    words = ["-x", "-q", "-p", "no:cacheprovider", "--timeout", str(2 * MOST_SECONDS), *tests]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "a test hung"
    if done.returncode == 0:
        return None
    failures = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failures[0][:160] if failures else f"pytest ended with {done.returncode}"


def main() -> None:
    """Parse the command line, and try the mutants that were not tried yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", type=Path, required=True, help="a checkout to break")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", default="0/1", help="K/N: of N processes, this is number K")
    arguments = parser.parse_args()
    which, of = map(int, arguments.share.split("/"))
    tree = arguments.tree.resolve()
    mutants, tests = draw(tree, arguments.count, arguments.seed), Tests(tree)
    found: dict[str, Any] = {}
    if arguments.out.exists():
        found = json.loads(arguments.out.read_text(encoding="utf-8"))["mutants"]
    for number, mutant in enumerate(mutants):
        if str(number) in found or number % of != which:
            continue
        started = time.monotonic()
        killer = noticed(tree, mutant, tests)
        found[str(number)] = {
            **{key: mutant[key] for key in ("file", "kind", "change")},
            "noticed_by": killer,
            "seconds": round(time.monotonic() - started, 1),
        }
        killed = sum(bool(each["noticed_by"]) for each in found.values())
        sys.stderr.write(f"{number}: {mutant['file']}: {killer or 'SURVIVED'}\n")
        write_json(
            arguments.out,
            {
                "command": "python " + " ".join(sys.argv),
                "commit": git_version(),
                "hardware": describe_hardware(),
                "tried": len(found),
                "noticed": killed,
                "share": round(killed / len(found), 3),
                "by_part": _by_part(found),
                "mutants": found,
            },
        )


def _by_part(found: dict[str, Any]) -> dict[str, str]:
    """Folder of the code → noticed/tried."""
    tried, killed = Counter[str](), Counter[str]()
    for each in found.values():
        parts = Path(each["file"]).parts
        part = "/".join(parts[: 2 if parts[0] == "newt_core" else 1])
        tried[part] += 1
        killed[part] += each["noticed_by"] is not None
    return {part: f"{killed[part]}/{tried[part]}" for part in sorted(tried)}


if __name__ == "__main__":
    main()
