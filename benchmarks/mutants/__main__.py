"""Break the code on purpose, one place at a time, and see whether the tests notice.

    pip install cosmic-ray pytest-cov
    git worktree add /tmp/mutants && cd /tmp/mutants
    pytest --cov=newt_core --cov=newt_cli --cov-context=test --cov-report= --junitxml=tests.xml
    python -m benchmarks.mutants --tree /tmp/mutants --count 300 --out results/mutants.json

A mutant is a file with one change: an operator, a comparison, a number or a keyword replaced
(cosmic-ray's operators), a statement deleted, or an argument not passed on (ours). Mutants are
drawn evenly over files and, within a file, over places. Each is tried with the tests that run the
changed lines, the quickest first, which the suite's own run above has recorded, and with those
whose file imports the module, since what they run in other processes is not recorded; what is
set when a module is imported, with those that run any line of it or of what imports it. What a run
has found is kept, so that it can be interrupted. Of a survivor, the file says what was changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from itertools import accumulate
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from coverage import CoverageData

from benchmarks.mutants.draw import Mutant, draw
from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.version import git_version

MOST_SECONDS = 45
"""The tests that are run for one mutant took no longer than this, when nothing was broken."""

TIMEOUT_S = 300  # A mutant that hangs has been noticed.


class Tests:
    """Which tests run which lines, and how long each takes.

    Args:
        tree: Where the suite was run, with what the top of this file says.
    """

    def __init__(self, tree: Path) -> None:
        self._tree = tree
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
        if not names:  # Set when the module is imported: its users see it, too.
            module = file.removesuffix(".py").replace("/", ".")
            for name in (here, *self._coverage.measured_files()):
                if name == here or f"from {module} import" in Path(name).read_text("utf-8"):
                    some = self._coverage.contexts_by_lineno(name).values()
                    names |= {name for each in some for name in each if name}
        tests = {name.partition("|")[0] for name in names} | self._naming(file)
        tests &= self._seconds.keys()
        ordered = sorted(tests, key=lambda test: (self._seconds[test], test))
        total = accumulate(self._seconds[test] for test in ordered)
        return [test for test, sum_ in zip(ordered, total, strict=True) if sum_ <= MOST_SECONDS]

    def _naming(self, file: str) -> set[str]:
        """Tests in files that import a module: what they run in other processes is not recorded."""
        package, _, name = file.removesuffix(".py").replace("/", ".").rpartition(".")
        imports = re.compile(rf"from {package}(\.{name} import| import .*\b{name}\b)")
        paths = {test.partition("::")[0] for test in self._seconds}
        naming = {path for path in paths if imports.search((self._tree / path).read_text("utf-8"))}
        return {test for test in self._seconds if test.partition("::")[0] in naming}


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
