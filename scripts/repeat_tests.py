"""Run tests many times, each time with another seed and in another order: none may need luck.

    python scripts/repeat_tests.py --seeds 200 tests/agents tests/model tests/planner tests/replay

Prints the tests that failed, with their seeds; ``NEWT_TEST_SEED=17 pytest TEST`` repeats one.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import defaultdict

import pytest


class Repetition:
    """A plugin of pytest: shuffles the tests, and notes those that fail.

    Args:
        seed: of the order.
        failed: test → seeds with which it failed.
    """

    def __init__(self, seed: int, failed: dict[str, list[int]]) -> None:
        self.seed = seed
        self.failed = failed

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Shuffle."""
        random.Random(self.seed).shuffle(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note."""
        if report.failed:
            self.failed[report.nodeid].append(self.seed)


def main() -> int:
    """Return 1 if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--shown", action="store_true", help="show pytest's own report")
    parser.add_argument("tests", nargs="+", help="what to run; other options go to pytest")
    arguments, others = parser.parse_known_args()
    failed: dict[str, list[int]] = defaultdict(list)
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        os.environ["NEWT_TEST_SEED"] = str(seed)
        output = sys.stdout
        if not arguments.shown:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        try:
            code = pytest.main(
                ["-q", "-p", "no:cacheprovider", *others, *arguments.tests],
                plugins=[Repetition(seed, failed)],
            )
        finally:
            if sys.stdout is not output:
                sys.stdout.close()
            sys.stdout = output
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            print(f"pytest ended with {code!r}")
            return 1
        failures = sum(seed in seeds for seeds in failed.values())
        print(f"seed {seed}: {failures} failed", flush=True)
    for test, seeds in sorted(failed.items()):
        print(f"{test} failed with {len(seeds)} seeds: {', '.join(map(str, seeds))}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
