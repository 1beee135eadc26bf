"""Run the battery of wrong invocations; count those of each command that are answered as promised.

    python benchmarks/wrong_invocations.py --out benchmarks/results/wrong-invocations.json

The battery is tests/cli/test_wrong_invocations.py: exit code 2, at most two lines, the cause named,
nothing written, no traceback.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pytest

from newt_cli.app import COMMANDS
from newt_core.bench.timing import describe_hardware
from newt_core.files import write_json
from newt_core.version import git_version

BATTERY = Path(__file__).parents[1] / "tests/cli/test_wrong_invocations.py"


class Tally:
    """Counts tests by the command that they call, or by the Python function."""

    def __init__(self) -> None:
        self.right: dict[str, int] = {}
        self.all: dict[str, int] = {}
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in one test's outcome."""
        _, _, invocation = report.nodeid.partition("[")
        if report.when != "call" or not invocation:
            return
        words = invocation.rstrip("]").split()
        name = words[0].rstrip(":")
        if name == "newt" and words[1] in COMMANDS:
            name = f"newt {words[1]}"
        self.all[name] = self.all.get(name, 0) + 1
        self.right[name] = self.right.get(name, 0) + report.passed
        if not report.passed:
            self.failed.append(invocation.rstrip("]"))


def main() -> int:
    """Parse, run, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    out = parser.parse_args().out
    tally, began = Tally(), time.monotonic()
    pytest.main(["-q", "-p", "no:cacheprovider", str(BATTERY)], plugins=[tally])
    total, right = sum(tally.all.values()), sum(tally.right.values())
    write_json(
        out,
        {
            "command": " ".join(["python", *sys.argv]),
            "commit": git_version(),
            "hardware": describe_hardware(),
            "seconds": round(time.monotonic() - began, 1),
            "invocations": total,
            "as_promised": right,
            "by_command": {
                name: {"invocations": count, "as_promised": tally.right[name]}
                for name, count in tally.all.items()
            },
            "failed": tally.failed,
        },
    )
    return 0 if total and right == total else 1


if __name__ == "__main__":
    sys.exit(main())
